/** Pictures as answers show them; what had to be made smaller is kept for the next question about the same job. */
import { BoundedMap } from '../core/bounded-map.ts';
import type { Job } from '../core/job.ts';
import type { Preview, PreviewBounds, ShownPicture } from '../core/preview.ts';

/** Previews that are kept, each at most what a host takes inside an answer. */
const KEPT = 12;
/** The room for a picture depends on the words beside it: rooms that differ by less than a sixteenth count as equal. */
const STEPS = 4;

export type ShownPicturesDeps = {
  preview: Preview;
  read: (job: Job) => Promise<Uint8Array | undefined>;
};

export class ShownPictures {
  readonly #deps: ShownPicturesDeps;
  readonly #kept = new BoundedMap<string, ShownPicture>(KEPT);

  constructor(deps: ShownPicturesDeps) {
    this.#deps = deps;
  }

  /**
   * @returns `unfit`: no picture within the bounds can be had of it; `undefined`: there is none
   * @throws FluxError of kind `storage_failed`
   */
  async show(job: Job, bounds: PreviewBounds): Promise<ShownPicture | 'unfit' | undefined> {
    const { maxSidePx } = bounds;
    const maxBytes = roundedDown(bounds.maxBytes);
    const key = `${job.id} ${job.file} ${maxBytes} ${maxSidePx}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const bytes = await this.#deps.read(job);
    if (bytes === undefined) return undefined;
    const shown = await this.#deps.preview.fit(bytes, { maxBytes, maxSidePx });
    if (shown?.isPreview) this.#kept.set(key, shown);
    return shown ?? 'unfit';
  }
}

function roundedDown(bytes: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, bytes))) - STEPS);
  return Math.floor(bytes / step) * step;
}
