/** Fetches finished pictures and saves them; what cannot be saved now is kept for the next try. */
import { backOffMs } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { type Failure, failureOf } from '../core/failure.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import type { ImageDownload, ImageStore, Picture, PictureLabel } from '../core/image-store.ts';
import type { Job } from '../core/job.ts';
import type { JobBoard } from './job-board.ts';

const DOWNLOAD_TRIES = 5;
/** Pictures that were fetched and could not be saved, kept until the folder can be written again. */
const UNSAVED_PICTURES = 4;

export type CollectionParts = {
  board: JobBoard;
  provider: Pick<ImageProvider, 'read'>;
  download: ImageDownload;
  store: ImageStore;
  clock: Clock;
};

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
    const failure = await this.fetch(job, life);
    if (failure !== undefined) await this.#parts.board.apply(job.id, { type: 'hindered', failure });
  }

  /** Fetches and saves the picture, if need be once more. @returns what stands in the way */
  async fetch(job: Job, life: AbortSignal): Promise<Failure | undefined> {
    const { board, download, store, clock } = this.#parts;
    const label = labelOf(job);
    let { url } = job;
    for (let attempt = 1; url !== undefined; attempt += 1) {
      try {
        const picture = this.#unsaved.get(job.id) ?? (await download.fetch(url, life));
        this.#keep(job.id, picture);
        const file = await store.save(picture, label);
        this.#unsaved.delete(job.id);
        const again = job.state === 'saved' ? { again: true as const } : {};
        await board.apply(job.id, { type: 'saved', file, mediaType: picture.mediaType, ...again });
        return undefined;
      } catch (error) {
        if (life.aborted) throw error;
        const failure = failureOf(error, {
          message: `Saving the picture ended in an unforeseen error (${error instanceof Error ? error.name : typeof error}).`,
          creditsSpent: 'yes',
          retry: 'same_job',
        });
        if (failure.kind !== 'download_failed' || attempt === DOWNLOAD_TRIES) return failure;
        const fresh = attempt === 1 ? await this.#freshUrl(job, url, life) : undefined;
        if (fresh === undefined && failure.retry !== 'same_job') return failure;
        if (fresh === undefined) await clock.sleep(backOffMs(attempt, clock.random()), life);
        url = fresh ?? url;
      }
    }
    return undefined;
  }

  /** How long an address lives is not documented: the job may tell another one by now. */
  async #freshUrl(job: Job, url: string, life: AbortSignal): Promise<string | undefined> {
    const { board, provider } = this.#parts;
    if (job.remoteId === undefined) return undefined;
    try {
      const remote = await provider.read(job.remoteId, life);
      if (remote.url === undefined || remote.url === url) return undefined;
      await board.apply(job.id, { type: 'relocated', url: remote.url });
      return remote.url;
    } catch (error) {
      if (life.aborted) throw error;
      return undefined;
    }
  }

  #keep(id: string, picture: Picture): void {
    this.#unsaved.set(id, picture);
    const [oldest] = this.#unsaved.keys();
    if (this.#unsaved.size > UNSAVED_PICTURES && oldest !== undefined) this.#unsaved.delete(oldest);
  }
}

function labelOf({ id, request, createdAt, completedAt, fileName, remoteId, credits, sandbox }: Job): PictureLabel {
  return {
    jobId: id,
    prompt: request.prompt,
    createdAt,
    ...(fileName === undefined ? {} : { fileName }),
    about: {
      width: request.width,
      height: request.height,
      version: request.version,
      quality: request.quality,
      credits: credits.exact ?? undefined,
      created_at: iso(createdAt),
      completed_at: completedAt === undefined ? undefined : iso(completedAt),
      doitong_id: remoteId,
      sandbox: sandbox || undefined,
    },
  };
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();
