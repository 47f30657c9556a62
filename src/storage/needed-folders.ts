/** The folders that an order needs: looked at before anything is sent, because a picture that is paid for must be kept. */
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import { checkFolder, type FolderState, type FolderToCheck, isUnchanged } from './folder-check.ts';

/** As long as the folder of that name is the same one, what was tried there is not tried with every order. */
const BELIEVED_FOR_MS = 30_000;

export type NeededFolder = {
  holds: 'pictures' | 'records';
  find: () => Promise<FolderToCheck>;
};

/** @returns rejects with a FluxError of kind `storage_failed` when one of the folders takes no files */
export function createFoldersCheck(
  needed: readonly NeededFolder[],
  { clock, log }: { clock: Clock; log: Log },
): () => Promise<void> {
  const reported = new Set<string>();
  const believed = new Map<NeededFolder, { wanted: string; state: FolderState & { isUsable: true }; until: number }>();

  async function check(one: NeededFolder): Promise<void> {
    const found = await one.find();
    const known = believed.get(one);
    const wanted = JSON.stringify(found);
    if (known?.wanted === wanted && clock.monotonic() < known.until && (await isUnchanged(known.state, clock))) return;
    const state = await checkFolder(found, true, clock);
    if (!state.isUsable) {
      const { folder } = found;
      const reason = { code: 'folder_not_usable', holds: one.holds, folder, problem: state.problem } as const;
      throw new FluxError({ kind: 'storage_failed', reason, creditsSpent: 'no', retry: 'no' });
    }
    believed.set(one, { wanted, state, until: clock.monotonic() + BELIEVED_FOR_MS });
    const { openToOthers } = state;
    if (openToOthers === undefined || reported.has(openToOthers)) return;
    reported.add(openToOthers);
    log.warn('other users of this machine can write to this folder, and so replace what is kept there', {
      folder: openToOthers,
      remedy: `chmod go-w ${openToOthers}`,
    });
  }

  return async () => {
    await Promise.all(needed.map(check));
  };
}
