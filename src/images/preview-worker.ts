/** The thread in which previews are made: decoding and encoding would keep the protocol waiting. */
import { parentPort } from 'node:worker_threads';
import type { PreviewBounds } from '../core/image-store.ts';
import { makePreview } from './make-preview.ts';

export type PreviewTask = { bytes: Uint8Array; bounds: PreviewBounds };

// An error ends the thread, and reaches whoever waits for the preview.
parentPort?.on('message', async ({ bytes, bounds }: PreviewTask) => {
  parentPort?.postMessage(await makePreview(bytes, bounds));
});
