/**
 * File systems that refuse single calls: links, syncs of folders, names that are held for a moment.
 *
 * The refusals are put in by strace, which stands between the real program and the real system. What that cannot know:
 * what else such a file system does in its own way.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import {
  jobOf,
  order,
  type PictureService,
  type Serving,
  serve,
  startPictureService,
} from '../support/picture-service.ts';
import { textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
const service: PictureService = await startPictureService();
afterAll(async () => {
  await service.close();
  await packed.close();
});

const STRACE = 'strace';

function canTrace(): boolean {
  try {
    execFileSync(STRACE, ['-qq', '-o', '/dev/null', '-e', 'trace=none', process.execPath, '-e', ''], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
const traced = process.platform === 'linux' && canTrace();
if (!traced) console.warn('there is no strace that may trace here: refused system calls are not tried');

/** @param faults each as strace takes it after "inject=" */
const under = (...faults: string[]): Promise<Serving> =>
  serve(packed, service, {
    command: STRACE,
    args: [
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      ...faults.flatMap((fault) => ['-e', `inject=${fault}`]),
      process.execPath,
      packed.main,
    ],
  });

async function expectOneSaved({ host }: Serving): Promise<void> {
  const before = service.orders();
  const answer = await order(host);
  expect(textOf(answer)).toContain('The picture is finished and saved.');
  expect(await readFile(jobOf(answer).file)).toEqual(service.picture);
  expect(service.orders()).toBe(before + 1);
}

describe.skipIf(!traced)('a file system', () => {
  it.each(['EPERM', 'EACCES', 'EXDEV', 'EMLINK', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'])(
    'that refuses hard links with %s keeps the picture',
    async (code) => expectOneSaved(await under(`link,linkat:error=${code}`)),
  );

  it.each(['EINVAL', 'EPERM', 'EACCES', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EBADF'])(
    'that cannot sync a folder (%s) keeps records and pictures',
    async (code) => expectOneSaved(await under(`fsync:error=${code}`)),
  );

  it.each(['EIO', 'ENOSPC', 'EDQUOT', 'EROFS'])(
    'whose disk fails to sync a folder (%s) stops the order before it is sent',
    async (code) => {
      const before = service.orders();
      const { host } = await under(`fsync:error=${code}`);
      const answer = await order(host);
      expect(answer.isError).toBe(true);
      expect(textOf(answer)).toContain(code);
      expect(textOf(answer)).toContain('No credits were spent.');
      expect(service.orders()).toBe(before);
    },
  );

  it.each(['EBUSY', 'EACCES', 'EPERM', 'ETXTBSY'])(
    'on which some names are held for a moment (%s on rename) is asked again',
    async (code) => expectOneSaved(await under(`rename,renameat,renameat2:error=${code}:when=1+3`)),
  );

  it('on which links are held for a moment is asked again', async () =>
    expectOneSaved(await under('link,linkat:error=EBUSY:when=1+2')));

  it('that refuses links and folder syncs at once keeps both', async () =>
    expectOneSaved(await under('link,linkat:error=EPERM', 'fsync:error=EINVAL')));
});
