/** Fetches finished pictures and saves them; what cannot be saved now is kept for the next try. */
import { backOffMs } from '../core/back-off.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { RemoteJob } from '../core/image-provider.ts';
import type { Picture, PictureLabel } from '../core/image-store.ts';
import { type Job, orderedSize, sizeOf } from '../core/job.ts';
import { isPlainId } from '../core/shown-remote.ts';
import type { JobsDeps } from './deps.ts';
import type { InlinePictures } from './inline-pictures.ts';

const DOWNLOAD_TRIES = 5;
/** Pictures that were fetched and could not be saved, kept until the folder can be written again. */
const UNSAVED_PICTURES = 4;

type Deps = JobsDeps & { inline: InlinePictures };

const NO_ADDRESS: Failure = {
  kind: 'download_failed',
  message: 'The service does not say where the finished picture is. The picture was not saved.',
  creditsSpent: 'yes',
  retry: 'same_job',
};

export class Collection {
  readonly #deps: Deps;
  readonly #unsaved = new BoundedMap<string, Picture>(UNSAVED_PICTURES);

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** A fetched picture that is not on disk: its url may expire before the folder can be written. */
  unsaved(id: string): Picture | undefined {
    return this.#unsaved.get(id);
  }

  /** Saves the picture of a completed job, or records what prevents that. */
  async collect(job: Job, life: AbortSignal): Promise<void> {
    const failure = await this.fetch(job, life);
    if (failure !== undefined) await this.#deps.records.apply(job.id, { type: 'blocked', failure });
  }

  /** Fetches and saves the picture, if need be once more. @returns what prevents that */
  async fetch(job: Job, life: AbortSignal): Promise<Failure | undefined> {
    const { records, download, store, inline, clock } = this.#deps;
    let source = inline.get(job.id) ?? job.url;
    for (let attempt = 1; ; attempt += 1) {
      // A record has no data URL: then the service is asked again for what it sends.
      const wasOnRecord = source !== undefined;
      try {
        source ??= await this.#sourceNow(job, life);
        const picture = this.#unsaved.get(job.id) ?? (await download.fetch(source, life));
        this.#unsaved.set(job.id, picture);
        const file = await store.save(picture, labelOf(job, picture));
        this.#unsaved.delete(job.id);
        inline.delete(job.id);
        const again = job.state === 'saved' ? { again: true as const } : {};
        const { mediaType, size } = picture;
        const known = size === undefined ? {} : { size };
        await records.apply(job.id, { type: 'saved', file, mediaType, ...known, ...again });
        return undefined;
      } catch (error) {
        if (life.aborted) throw error;
        const failure = failureOf(error, {
          message: `Saving the picture ended in an unforeseen error (${error instanceof Error ? error.name : typeof error}).`,
          creditsSpent: 'yes',
          retry: 'same_job',
        });
        if (failure.kind !== 'download_failed' || attempt === DOWNLOAD_TRIES) return failure;
        // How long an address lives is not documented: the job may have another one by now.
        const fresh =
          attempt === 1 && wasOnRecord ? await this.#sourceNow(job, life).catch(() => undefined) : undefined;
        life.throwIfAborted();
        const isNew = fresh !== undefined && fresh !== source;
        if (!isNew && failure.retry !== 'same_job') return failure;
        if (!isNew) await clock.sleep(backOffMs(attempt, clock.random()), life);
        source = fresh ?? source;
      }
    }
  }

  /** What the service says now of where the picture is. @throws FluxError of kind `download_failed` when it is nowhere */
  async #sourceNow(job: Job, life: AbortSignal): Promise<string> {
    const remote = job.remoteId === undefined ? undefined : await this.#read(job.remoteId, life);
    const source = remote?.inlinePicture ?? remote?.url;
    if (source === undefined) throw new FluxError(remote?.failure ?? NO_ADDRESS);
    if (source === remote?.url && source !== job.url)
      await this.#deps.records.apply(job.id, { type: 'relocated', url: source });
    return source;
  }

  /** The picture exists and is paid for, whatever prevents asking for it. */
  async #read(remoteId: string, life: AbortSignal): Promise<RemoteJob> {
    try {
      return await this.#deps.provider.read(remoteId, life);
    } catch (error) {
      if (life.aborted || !(error instanceof FluxError)) throw error;
      const { failure } = error;
      const retry = failure.retry === 'no' ? 'no' : 'same_job';
      throw new FluxError({ ...failure, creditsSpent: 'yes', retry }, { cause: error });
    }
  }
}

function labelOf(job: Job, { size }: Picture): PictureLabel {
  const { id, request, createdAt, completedAt, fileName, remoteId, credits, sandbox } = job;
  const delivered = size === undefined ? { request } : { request, size };
  const ordered = orderedSize(delivered);
  return {
    jobId: id,
    prompt: request.prompt,
    createdAt,
    ...(fileName === undefined ? {} : { fileName }),
    about: {
      ...sizeOf(delivered),
      ordered_width: ordered?.width,
      ordered_height: ordered?.height,
      version: request.version,
      quality: request.quality,
      credits: credits.exact ?? undefined,
      created_at: iso(createdAt),
      completed_at: completedAt === undefined ? undefined : iso(completedAt),
      doitong_id: remoteId !== undefined && isPlainId(remoteId) ? remoteId : undefined,
      sandbox: sandbox || undefined,
    },
  };
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();
