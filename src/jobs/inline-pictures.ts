/** Pictures that came inside an answer of the service, as data URLs: kept until they are saved, never recorded. */
import type { RemoteJob } from '../core/image-provider.ts';

/** One picture of the largest size that is saved, or many usual ones; what is dropped is asked for again. */
const KEPT_CHARACTERS = 64_000_000;

export class InlinePictures {
  readonly #kept = new Map<string, string>();

  /** Takes the picture out of what the service said of this job, where there is one. */
  keep(jobId: string, { inlinePicture }: RemoteJob): void {
    if (inlinePicture === undefined) return;
    this.#kept.delete(jobId);
    this.#kept.set(jobId, inlinePicture);
    let characters = [...this.#kept.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [oldest, { length }] of this.#kept) {
      if (characters <= KEPT_CHARACTERS) break;
      this.#kept.delete(oldest);
      characters -= length;
    }
  }

  get(jobId: string): string | undefined {
    return this.#kept.get(jobId);
  }

  delete(jobId: string): void {
    this.#kept.delete(jobId);
  }
}
