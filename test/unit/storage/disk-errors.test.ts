/** Proves which refusals of the system count as what, one by one. */
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { cannotLink, cannotSyncFolder, errorCode, isBusy, isFileInUse } from '../../../src/storage/disk-errors.ts';

const failed = (code: string): Error => Object.assign(new Error(code), { code });
const holding = (test: (error: unknown) => boolean, codes: readonly string[]): string[] =>
  codes.filter((code) => test(failed(code)));

const DISK = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'ENOENT', 'ENAMETOOLONG'];

describe('a hard link', () => {
  it.each([
    ...['EPERM', 'EACCES', 'EXDEV', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'],
    ...['EISDIR', 'UNKNOWN', 'ERR_ACCESS_DENIED'],
  ])('cannot be had where the system says %s', (code) => expect(cannotLink(failed(code))).toBe(true));

  it('is no matter of a disk that fails, or of a name that is taken', () =>
    expect(holding(cannotLink, [...DISK, 'EEXIST'])).toEqual([]));
});

describe('a folder', () => {
  it.each([
    ...['EINVAL', 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EISDIR', 'EBADF'],
    'ERR_ACCESS_DENIED',
  ])('cannot be synced at all where the system says %s', (code) => expect(cannotSyncFolder(failed(code))).toBe(true));

  it('that a disk fails to sync has failed', () => expect(holding(cannotSyncFolder, DISK)).toEqual([]));
});

describe('a file that is held', () => {
  it('is tried again, a name also where rights are refused', () => {
    const codes = ['EBUSY', 'ETXTBSY', 'EINTR', 'EAGAIN', 'EMFILE', 'ENFILE'];
    expect(holding(isBusy, [...codes, 'EPERM', 'EACCES', ...DISK])).toEqual(codes);
    expect(holding(isFileInUse, [...codes, 'EPERM', 'EACCES', ...DISK])).toEqual([...codes, 'EPERM', 'EACCES']);
  });
});

describe('a code that Node has no name for', () => {
  it('is named by the system', () =>
    expect(errorCode(failed(`Unknown system error -${constants.errno.EDQUOT}`))).toBe('EDQUOT'));
});
