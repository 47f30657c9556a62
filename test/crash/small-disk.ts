/** A disk of one megabyte that a test fills up or makes read-only; needs the right to mount. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type SmallDisk = {
  folder: string;
  /** From the very next operation on it takes no more writes. */
  stop(): Promise<void>;
  goOn(): Promise<void>;
  unmount(): Promise<void>;
};

/** How a disk comes to take no writes. */
export type Trouble = 'full' | 'read-only';

const SIZE_BYTES = 1024 ** 2;
const REMOUNT_TRIES = 100;
const MOUNT = 'mount';

/** @returns `undefined` where this machine or user may not mount: a file system is all that can be full for anybody */
export async function mountSmallDisk(trouble: Trouble): Promise<SmallDisk | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-disk-'));
  try {
    await run(MOUNT, ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', folder]);
  } catch {
    rmdirSync(folder);
    return undefined;
  }
  const remount = (how: 'ro' | 'rw'): void => {
    execFileSync(MOUNT, ['-o', `remount,${how}`, folder], { stdio: 'ignore' });
  };
  /** A file that is just being written keeps its disk from that: its writer gets a turn. */
  const makeReadOnly = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        remount('ro');
        return;
      } catch (error) {
        if (attempt === REMOUNT_TRIES) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  const filler = join(folder, 'filler');
  return {
    folder,
    stop: trouble === 'full' ? async () => fill(filler) : makeReadOnly,
    goOn: trouble === 'full' ? async () => rmSync(filler, { force: true }) : async () => remount('rw'),
    unmount: async () => {
      await run('umount', ['--lazy', folder]);
      rmdirSync(folder);
    },
  };
}

/** In one go, so that nothing else of this process comes between. */
function fill(path: string): void {
  for (let size = SIZE_BYTES; size >= 1; ) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      size = Math.floor(size / 2);
    }
  }
}
