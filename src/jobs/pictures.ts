/** Finished pictures: fetched and saved, kept here as long as they cannot be saved, and shown in answers. */
import { backOffMs, BoundedMap } from '../core/primitives.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { RemoteJob } from '../core/image-provider.ts';
import type { Picture, PictureLabel, PreviewBounds, SheetCell, ShownPicture } from '../core/image-store.ts';
import { type Job, orderedSize, sizeOf } from '../core/job.ts';
import { isPlainId } from '../core/untrusted-text.ts';
import type { JobsDeps } from './deps.ts';

export type PicturesDeps = Pick<JobsDeps, 'records' | 'download' | 'store' | 'preview' | 'provider' | 'clock'>;

const DOWNLOAD_TRIES = 5;
/** Fifty pictures of the largest size, as services send them. */
const SHEET_READS_MAX_BYTES = 150_000_000;
/** One picture of the largest size that is saved, or many usual ones. */
const INLINE_MAX_CHARACTERS = 64_000_000;

export class Pictures {
  /** Data URLs of pictures that came inside answers, by job, never recorded; what is dropped is asked for again. */
  readonly #inline = new Map<string, string>();
  /** Fetched, and kept until they are saved and an answer has shown them. */
  readonly #fetched = new BoundedMap<string, Picture>(4);
  readonly #previews = new BoundedMap<string, ShownPicture>(12);

  constructor(private readonly deps: PicturesDeps) {}

  /** Takes the picture out of what the service said of this job, where there is one. */
  keep(id: string, { inlinePicture }: RemoteJob): void {
    if (inlinePicture === undefined) return;
    this.#inline.delete(id);
    this.#inline.set(id, inlinePicture);
    let characters = 0;
    for (const [kept, { length }] of [...this.#inline].reverse()) {
      characters += length;
      if (characters > INLINE_MAX_CHARACTERS) this.#inline.delete(kept);
    }
  }

  /** Fetches and saves the picture, if need be once more. @returns what prevents that */
  async save(job: Job, life: AbortSignal): Promise<Failure | undefined> {
    const { records, download, store, clock } = this.deps;
    let source = this.#inline.get(job.id) ?? job.url;
    for (let attempt = 1; ; attempt += 1) {
      // A record has no data URL: then the service is asked again for what it sends.
      const wasOnRecord = source !== undefined;
      try {
        source ??= await this.#sourceNow(job, life);
        // Its address may expire before the folder can be written.
        const picture = this.#fetched.get(job.id) ?? (await download.fetch(source, life));
        this.#fetched.set(job.id, picture);
        const file = await store.save(picture, labelOf(job, picture));
        this.#inline.delete(job.id);
        const { mediaType, size } = picture;
        const again = job.state === 'saved' && { again: true as const };
        const saved = { type: 'saved', file, mediaType, ...(size && { size }), at: clock.now(), ...again } as const;
        await records.apply(job.id, saved);
        return undefined;
      } catch (error) {
        if (life.aborted) throw error;
        const failure = failureOf(error, 'save', { creditsSpent: 'yes', retry: 'same_job' });
        if (failure.kind !== 'download_failed' || attempt === DOWNLOAD_TRIES) return failure;
        // How long an address lives is not documented: the job may have another one by now.
        const mayHaveMoved = attempt === 1 && wasOnRecord;
        const fresh = mayHaveMoved ? await this.#sourceNow(job, life).catch(() => undefined) : undefined;
        life.throwIfAborted();
        const isNew = fresh !== undefined && fresh !== source;
        if (!isNew && failure.retry !== 'same_job') return failure;
        if (!isNew) await clock.sleep(backOffMs(attempt, clock.random()), life);
        source = fresh ?? source;
      }
    }
  }

  /** What the service says now of where the picture is. @throws FluxError of kind `download_failed` when it is nowhere */
  async #sourceNow({ id, remoteId = '', url }: Job, life: AbortSignal): Promise<string> {
    const reading = (await this.deps.provider.readMany([remoteId], life)).get(remoteId);
    if (reading !== undefined && 'failure' in reading) {
      const { failure } = reading;
      // The picture exists and is paid for, whatever prevents asking for it.
      throw new FluxError({ ...failure, creditsSpent: 'yes', retry: failure.retry === 'no' ? 'no' : 'same_job' });
    }
    const remote = reading?.job;
    const source = remote?.inlinePicture ?? remote?.url;
    if (source === undefined) throw new FluxError(remote?.failure ?? NOWHERE);
    if (source === remote?.url && source !== url) await this.deps.records.apply(id, { type: 'relocated', url: source });
    return source;
  }

  /** The picture's bytes, saved or not; `undefined` when there are none. @throws FluxError of kind `storage_failed` */
  async read({ id, file }: Job): Promise<Uint8Array | undefined> {
    return file === undefined ? this.#fetched.get(id)?.bytes : this.deps.store.read(file);
  }

  /**
   * The picture as an answer shows it; what had to be made smaller is kept for the next question about the same job.
   * @returns `undefined` where there is none, or none within the bounds
   * @throws FluxError of kind `storage_failed`
   */
  async show(job: Job, bounds: PreviewBounds): Promise<ShownPicture | undefined> {
    const { maxSidePx } = bounds;
    const maxBytes = roundedDown(bounds.maxBytes);
    const key = `${job.id} ${job.file} ${maxBytes} ${maxSidePx}`;
    const known = this.#previews.get(key);
    if (known !== undefined) return known;
    const bytes = this.#fetched.get(job.id)?.bytes ?? (await this.read(job));
    if (bytes === undefined) return undefined;
    if (job.file !== undefined) this.#fetched.delete(job.id);
    const shown = await this.deps.preview.fit(bytes, { maxBytes, maxSidePx });
    if (shown?.isPreview) this.#previews.set(key, shown);
    return shown;
  }

  /** See `Preview`. @param numbers of the jobs, in their order */
  async sheet(jobs: readonly Job[], numbers: readonly number[], bounds: PreviewBounds) {
    const cells: SheetCell[] = [];
    let left = SHEET_READS_MAX_BYTES;
    for (const [at, job] of jobs.entries()) {
      const bytes = left > 0 ? await this.read(job).catch(() => undefined) : undefined;
      left -= bytes?.length ?? 0;
      cells.push({ number: numbers[at] ?? 0, bytes });
    }
    return this.deps.preview.sheet(cells, bounds);
  }
}

const REASON = { code: 'picture_nowhere' } as const;
const NOWHERE: Failure = { kind: 'download_failed', reason: REASON, creditsSpent: 'yes', retry: 'same_job' };

/** Why nothing may be ordered while this picture waits for room on its disk; `undefined` when it does not. */
export function roomLacking(job: Job | undefined): Failure | undefined {
  const reason = job?.failure?.reason;
  if (reason?.code !== 'picture_not_saved' || !['ENOSPC', 'EDQUOT'].includes(reason.problem)) return undefined;
  const unusable = { ...reason, code: 'folder_not_usable', contents: 'pictures' } as const;
  return { kind: 'storage_failed', reason: unusable, creditsSpent: 'no', retry: 'no' };
}

/** The room for a picture depends on the words next to it: rooms that differ by less than a sixteenth count as equal. */
function roundedDown(bytes: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, bytes))) - 4);
  return Math.floor(bytes / step) * step;
}

function labelOf(job: Job, { size }: Picture): PictureLabel {
  const { id, request, createdAt, completedAt, fileName, remoteId, credits, sandbox } = job;
  const delivered = size === undefined ? { request } : { request, size };
  const ordered = orderedSize(delivered);
  return {
    jobId: id,
    prompt: request.prompt,
    createdAt,
    ...(fileName !== undefined && { fileName }),
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
