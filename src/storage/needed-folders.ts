/** The folders that an order needs: looked at before anything is sent, because a picture that is paid for must be kept. */
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import { checkFolder, type FolderToCheck } from './folder-check.ts';

/** An order of fifty pictures is looked at once. */
const BELIEVED_FOR_MS = 30_000;

export type NeededFolder = {
  /** What cannot be done without it: "Pictures cannot be saved". */
  lack: string;
  setting: string;
  find: () => Promise<FolderToCheck>;
};

/** @returns rejects with a FluxError of kind `storage_failed` when one of the folders takes no files */
export function createFoldersCheck(
  needed: readonly NeededFolder[],
  { clock, log }: { clock: Clock; log: Log },
): () => Promise<void> {
  const told = new Set<string>();
  let believedUntil = Number.NEGATIVE_INFINITY;

  async function check(one: NeededFolder): Promise<void> {
    const wanted = await one.find();
    const state = await checkFolder(wanted, true, clock);
    if (!state.isUsable) throw refused(one, wanted.folder, state.reason);
    const { openToOthers } = state;
    if (openToOthers === undefined || told.has(openToOthers)) return;
    told.add(openToOthers);
    log.warn('other users of this machine can write to this folder, and so replace what is kept there', {
      folder: openToOthers,
      remedy: `chmod go-w ${openToOthers}`,
    });
  }

  return async () => {
    if (clock.monotonic() < believedUntil) return;
    await Promise.all(needed.map(check));
    believedUntil = clock.monotonic() + BELIEVED_FOR_MS;
  };
}

function refused({ lack, setting }: NeededFolder, folder: string, reason: string): FluxError {
  return new FluxError({
    kind: 'storage_failed',
    message: `${lack} in ${folder}: ${reason}. So nothing was sent.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: `Ask the user to put that right, or to set ${setting} to a folder that can be written and restart the server, then call again.`,
  });
}
