/** The thread in which previews are made: decoding and encoding would keep the protocol waiting. */
import { parentPort } from 'node:worker_threads';
import type { PreviewBounds } from '../core/preview.ts';
import { type MadePreview, makePreview } from './make-preview.ts';

export type PreviewTask = { id: number; bytes: Uint8Array; bounds: PreviewBounds };
/** `made` is absent where there is no preview; `error` says why something unforeseen ended the task. */
export type PreviewAnswer = { id: number; made?: MadePreview | undefined; error?: string };

parentPort?.on('message', ({ id, bytes, bounds }: PreviewTask) => {
  makePreview(bytes, bounds).then(
    (made) => answer({ id, made }),
    (error: unknown) => answer({ id, error: String(error) }),
  );
});

function answer(message: PreviewAnswer): void {
  parentPort?.postMessage(message);
}
