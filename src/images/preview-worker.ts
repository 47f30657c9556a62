/** The thread in which previews are made: decoding and encoding would keep the protocol waiting. */
import { parentPort } from 'node:worker_threads';
import type { PreviewBounds } from '../core/preview.ts';
import { type MadePreview, makePreview } from './make-preview.ts';

export type PreviewTask = { bytes: Uint8Array; bounds: PreviewBounds };
/** `made` is absent where there is no preview; `error` says why something unforeseen ended the task. */
export type PreviewAnswer = { made?: MadePreview | undefined; error?: string };

parentPort?.on('message', ({ bytes, bounds }: PreviewTask) => {
  makePreview(bytes, bounds).then(
    (made) => answer({ made }),
    (error: unknown) => answer({ error: String(error) }),
  );
});

function answer(message: PreviewAnswer): void {
  parentPort?.postMessage(message);
}
