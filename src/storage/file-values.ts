/** Shared values on disk: versions of small files in one folder, for all processes that use it. */
import { constants, copyFileSync, lstatSync, renameSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import {
  NO_VERSION,
  type SharedValue,
  type SharedValues,
  type ValueSpec,
  type Versioned,
} from '../core/shared-value.ts';
import { errorCode } from './error-code.ts';
import { readStored } from './stored-text.ts';
import { VersionedFile } from './versioned-file.ts';

/** @param folder absolute; made at the first change */
export function createFileValues(folder: string, { clock, log }: { clock: Clock; log: Log }): SharedValues {
  /** What is about to be replaced without having been understood is kept for a person to look at. */
  function keepDamaged(path: string): void {
    const aside = `${path}.damaged`;
    try {
      // A copy, so that the newest version is never missing; what is no file cannot be copied.
      if (lstatSync(path).isFile()) copyFileSync(path, aside, constants.COPYFILE_EXCL);
      else renameSync(path, aside);
      log.error('a damaged file of the shared values was set aside', { file: aside });
    } catch (error) {
      // As a rule another process was faster.
      log.debug('a damaged file of the shared values was not set aside', { file: aside, error: errorCode(error) });
    }
  }

  function open<Value>({ name, parse, initial }: ValueSpec<Value>): SharedValue<Value> {
    const file = new VersionedFile(folder, name, clock);

    async function read(): Promise<Versioned<Value>> {
      const newest = file.newest();
      if (newest === undefined) return { value: await initial(), version: NO_VERSION };
      const { number, text } = newest;
      const stored = readStored(text, parse);
      switch (stored.type) {
        case 'value':
          return { value: stored.value, version: { number, changes: stored.changes } };
        case 'damaged':
          return { value: await initial(), version: { number, changes: [], isDamaged: true } };
        case 'newer':
          throw newer(file.path(number));
        default:
          return stored satisfies never;
      }
    }

    return {
      read: () => kept(read),
      quiet: () => kept(() => file.quiet()),
      replace: (version, value, durability) =>
        kept(async () => {
          if (version.isDamaged) keepDamaged(file.path(version.number));
          return file.replace(version, value, durability);
        }),
    };
  }

  async function kept<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FluxError) throw error;
      throw unkept(folder, error);
    }
  }

  return { location: folder, open };
}

/** Replacing it would take away what the newer version knows of money. */
function newer(path: string): FluxError {
  const reason = { code: 'state_is_newer', path } as const;
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'no', retry: 'no' });
}

function unkept(path: string, cause: unknown): FluxError {
  const reason = { code: 'state_not_kept', path, error: errorCode(cause) } as const;
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'no', retry: 'no' }, { cause });
}
