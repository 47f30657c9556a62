/** The thread in which previews are made: decoding and encoding would keep the protocol waiting. */
import { parentPort } from 'node:worker_threads';
import type { PreviewBounds, SheetCell } from '../core/image-store.ts';
import { makeSheet } from './contact-sheet.ts';
import { makePreview } from './make-preview.ts';

export type PreviewTask = { bounds: PreviewBounds } & ({ bytes: Uint8Array } | { cells: readonly SheetCell[] });

// An error ends the thread, and reaches whoever waits for the preview.
parentPort?.on('message', async ({ bounds, ...task }: PreviewTask) => {
  const made = 'cells' in task ? makeSheet(task.cells, bounds) : makePreview(task.bytes, bounds);
  parentPort?.postMessage(await made);
});
