/** What the errors of file systems mean, on every system, and which failures of the storage they become. */
import { constants as systemConstants } from 'node:os';
import { type CreditsSpent, FluxError } from '../core/failure.ts';
import type { StorageReason } from '../core/reasons.ts';

export function errorCode(error: unknown): string {
  if (!(error instanceof Error && 'code' in error)) return String(error);
  const code = String(error.code);
  // Node has no name for some of them, EDQUOT among them; the system's own tables do.
  const [, number] = /^Unknown system error -(\d{1,6})$/u.exec(code) ?? [];
  return (number && Object.entries(systemConstants.errno).find(([, known]) => String(known) === number)?.[0]) ?? code;
}

const oneOf =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    codes.includes(errorCode(error));

/** Nothing of that name is there, nor can be: something above it is no folder, or a link that leads back to itself. */
export const isAbsent = oneOf('ENOENT', 'ENOTDIR', 'ELOOP');

const NOT_OFFERED = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EISDIR', 'ERR_ACCESS_DENIED'];

/**
 * Whether no second name can be given here: exFAT, some network shares, too many names of one file, rules against it.
 * Windows says EISDIR for "invalid function", and UNKNOWN for what has no code.
 */
export const cannotLink = oneOf(...NOT_OFFERED, 'EXDEV', 'EMLINK', 'UNKNOWN');

/** Some mounts; what the disk itself says (EIO, ENOSPC) is never among them. */
export const cannotSyncFolder = oneOf(...NOT_OFFERED, 'ENOTTY', 'EBADF');

const BUSY = ['EBUSY', 'ETXTBSY', 'EINTR', 'EAGAIN', 'EMFILE', 'ENFILE'];

/** Somebody else holds the file, or the system is short of something, for a moment. */
export const isBusy = oneOf(...BUSY);

/**
 * The same for names. A file that another program holds is refused with EPERM or EACCES by Windows, and by Windows
 * disks and SMB shares that are mounted elsewhere; where it is a matter of rights, half a second is lost.
 */
export const isFileInUse = oneOf(...BUSY, 'EPERM', 'EACCES');

export function failed(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export function storageFailed(reason: StorageReason, creditsSpent: CreditsSpent, cause?: unknown): FluxError {
  // A picture that is paid for can be saved later.
  const retry = creditsSpent === 'yes' ? 'same_job' : 'no';
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent, retry }, { cause });
}
