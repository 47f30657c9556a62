/** Fetches finished pictures and saves them; what cannot be saved now is kept for the next try. */
import { backOffMs } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { failureOf } from '../core/failure.ts';
import type { ImageDownload, ImageStore, Picture } from '../core/image-store.ts';
import type { Job } from '../core/job.ts';
import type { JobBoard } from './job-board.ts';

const DOWNLOAD_TRIES = 5;
/** Pictures that were fetched and could not be saved, kept until the folder can be written again. */
const UNSAVED_PICTURES = 4;

export type CollectionParts = { board: JobBoard; download: ImageDownload; store: ImageStore; clock: Clock };

export class Collection {
  readonly #parts: CollectionParts;
  readonly #unsaved = new Map<string, Picture>();

  constructor(parts: CollectionParts) {
    this.#parts = parts;
  }

  /** A fetched picture that is not on disk: its url may expire before the folder can be written. */
  unsaved(id: string): Picture | undefined {
    return this.#unsaved.get(id);
  }

  /** Saves the picture of a completed job, or leaves on record what stands in the way. */
  async collect(job: Job, life: AbortSignal): Promise<void> {
    const { board, download, store, clock } = this.#parts;
    const label = {
      jobId: job.id,
      prompt: job.request.prompt,
      createdAt: job.createdAt,
      ...(job.fileName === undefined ? {} : { fileName: job.fileName }),
    };
    for (let attempt = 1; job.url !== undefined; attempt += 1) {
      try {
        const picture = this.#unsaved.get(job.id) ?? (await download.fetch(job.url, life));
        this.#keep(job.id, picture);
        const file = await store.save(picture, label);
        this.#unsaved.delete(job.id);
        await board.apply(job.id, { type: 'saved', file, mediaType: picture.mediaType });
        return;
      } catch (error) {
        if (life.aborted) throw error;
        const failure = failureOf(error, {
          message: `Saving the picture ended in an unforeseen error (${error instanceof Error ? error.name : typeof error}).`,
          creditsSpent: 'yes',
          retry: 'same_job',
        });
        const again = failure.kind === 'download_failed' && failure.retry === 'same_job' && attempt < DOWNLOAD_TRIES;
        if (!again) {
          await board.apply(job.id, { type: 'hindered', failure });
          return;
        }
        await clock.sleep(backOffMs(attempt, clock.random()), life);
      }
    }
  }

  #keep(id: string, picture: Picture): void {
    this.#unsaved.set(id, picture);
    const [oldest] = this.#unsaved.keys();
    if (this.#unsaved.size > UNSAVED_PICTURES && oldest !== undefined) this.#unsaved.delete(oldest);
  }
}
