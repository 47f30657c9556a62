/** Pictures as answers show them; what had to be made smaller is kept for the next question about the same job. */
import { BoundedMap } from '../core/bounded-map.ts';
import type { ImageStore } from '../core/image-store.ts';
import type { Job } from '../core/job.ts';
import type { Preview, PreviewBounds, ShownPicture } from '../core/preview.ts';
import type { JobRunner } from './job-runner.ts';

/** Previews that are kept, each at most what a host takes inside an answer. */
const KEPT = 12;
/** The room for a picture depends on the words next to it: rooms that differ by less than a sixteenth count as equal. */
const STEPS = 4;

export type ShownPicturesDeps = {
  preview: Preview;
  store: Pick<ImageStore, 'read'>;
  runner: Pick<JobRunner, 'unsaved'>;
};

export class ShownPictures {
  readonly #deps: ShownPicturesDeps;
  readonly #kept = new BoundedMap<string, ShownPicture>(KEPT);

  constructor(deps: ShownPicturesDeps) {
    this.#deps = deps;
  }

  /** The picture's bytes, saved or not; `undefined` when there are none. @throws FluxError of kind `storage_failed` */
  async read({ id, file }: Job): Promise<Uint8Array | undefined> {
    return file === undefined ? this.#deps.runner.unsaved(id)?.bytes : this.#deps.store.read(file);
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
    const bytes = await this.read(job);
    if (bytes === undefined) return undefined;
    // Whoever gets bytes may keep them: those of a picture that is not saved yet are needed here.
    const given = job.file === undefined ? Uint8Array.from(bytes) : bytes;
    const shown = await this.#deps.preview.fit(given, { maxBytes, maxSidePx });
    if (shown?.isPreview) this.#kept.set(key, shown);
    return shown ?? 'unfit';
  }
}

function roundedDown(bytes: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, bytes))) - STEPS);
  return Math.floor(bytes / step) * step;
}
