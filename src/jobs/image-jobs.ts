/** The service that tools and commands talk to: order a picture, wait for it, look at it, know the limits. */
import { BoundedMap } from '../core/bounded-map.ts';
import type { Clock } from '../core/clock.ts';
import { failureOf } from '../core/failure.ts';
import type { Ids } from '../core/ids.ts';
import type { Order } from '../core/image-request.ts';
import { isSettled, type Job, type JobTimes } from '../core/job.ts';
import type { Preview, PreviewBounds, ShownPicture } from '../core/preview.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import { type LimitsReport, limitsReport } from '../limits/limits-report.ts';
import { Duplicates } from './duplicates.ts';
import type { JobRecords } from './job-records.ts';
import { JobResumer } from './job-resumer.ts';
import { JobRunner, type RunnerDeps } from './job-runner.ts';
import { type Ordered, Orders, type OrdersSettings } from './orders.ts';
import { type Proposal, type ProposalDeps, type ProposeOptions, propose, type ReadyProposal } from './proposal.ts';
import { Recovery } from './recovery.ts';
import { ShownPictures } from './shown-pictures.ts';
import { type BatchWaitOptions, type WaitOptions, Waits } from './waits.ts';

/** Jobs of earlier processes are looked after at most so often. */
const RECONCILE_EVERY_MS = 2_500;
/** Refused pictures of batches, which have no record, are remembered for those who ask for them. */
const REFUSED_KEPT = 500;

export type JobsSettings = JobTimes & OrdersSettings & { apiUrl?: string };

export type JobsDeps = RunnerDeps & {
  ids: Ids;
  preview: Preview;
  /** Looks whether what is about to be paid for can be kept. @throws FluxError of kind `storage_failed` */
  checkFolders: () => Promise<void>;
  containsSecret?: ContainsSecret;
};

export class ImageJobs {
  readonly #deps: JobsDeps;
  readonly #records: JobRecords;
  readonly #clock: Clock;
  readonly #runner: JobRunner;
  readonly #recovery: Recovery;
  readonly #proposalDeps: ProposalDeps;
  readonly #orders: Orders;
  readonly #resumer: JobResumer;
  readonly #waits: Waits;
  readonly #shown: ShownPictures;
  /** Pictures of batches that were refused alone. */
  readonly #refused = new BoundedMap<string, Job>(REFUSED_KEPT);
  readonly settings: JobsSettings;
  #reconciled = { at: Number.NEGATIVE_INFINITY, done: Promise.resolve() };

  constructor(deps: JobsDeps, settings: JobsSettings) {
    this.#deps = deps;
    this.settings = settings;
    this.#records = deps.records;
    this.#clock = deps.clock;
    this.#runner = new JobRunner(deps, settings, () => this.#reconcile());
    this.#recovery = new Recovery({ ...deps, runner: this.#runner }, settings);
    const shared = { ...deps, recovery: this.#recovery, runner: this.#runner };
    const duplicates = new Duplicates(shared);
    this.#orders = new Orders({ ...shared, duplicates }, settings);
    this.#resumer = new JobResumer(shared);
    this.#proposalDeps = { ...deps, duplicates, resumer: this.#resumer };
    this.#waits = new Waits({ ...shared, resumer: this.#resumer });
    this.#shown = new ShownPictures({ preview: deps.preview, read: (job) => this.#pictureToGive(job) });
  }

  /**
   * Whether these orders of one call may be placed, must be asked about, or are refused. Nothing is reserved and nothing
   * is ordered yet; jobs that they would only repeat are resumed.
   */
  propose(orders: readonly Order[], options: ProposeOptions): Promise<Proposal> {
    return propose(orders, options, this.#proposalDeps, this.settings);
  }

  /**
   * Orders what is new in the proposal: spends credits. Answers with a job for each order, in their order, as soon as
   * they are recorded; `waitFor` waits. The price of all new ones is reserved in one step.
   * @param signal a call that was cancelled by now orders nothing
   * @throws FluxError when the call as a whole is refused (over budget, a folder that cannot be written); nothing was
   * sent then
   */
  async commit(proposal: ReadyProposal, signal?: AbortSignal): Promise<readonly Ordered[]> {
    // The last check before money moves.
    signal?.throwIfAborted();
    const { duplicates, isBatch } = proposal;
    const known = duplicates.filter((job) => job !== undefined);
    const hasNew = known.length < duplicates.length;
    // Repeated as a call for several pictures, even those that are all known are remembered together.
    if (!hasNew && !isBatch) return known.map((job) => ({ job, duplicate: true }));
    if (hasNew) await this.#deps.checkFolders();
    const placed = await this.#orders.place(proposal);
    for (const { job, refused } of placed) if (refused) this.#refused.set(job.id, job);
    // What other processes have left behind is looked after by whoever orders next; this call does not wait for it.
    if (placed.some(({ duplicate }) => !duplicate)) void this.#reconcile();
    return Promise.all(
      placed.map(async (one, at) =>
        one.duplicate && duplicates[at] === undefined ? { ...one, job: await this.#resumer.resume(one.job) } : one,
      ),
    );
  }

  /** One look serves all who order or wait here: each would read the record of every order that is open. */
  #reconcile(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#reconciled.at >= RECONCILE_EVERY_MS) this.#reconciled = { at: now, done: this.#reconcileNow() };
    return this.#reconciled.done;
  }

  async #reconcileNow(): Promise<void> {
    try {
      await this.#recovery.reconcile({ resume: true });
    } catch (error) {
      this.#deps.log.warn('jobs of earlier processes could not be recovered', { error: String(error) });
    }
  }

  /** Takes an order back that has not been sent and that nobody else waits for. One that was sent goes on. */
  cancelUnsent(id: string): void {
    if (this.#records.listeners(id) === 0) this.#runner.cancelUnsent(id);
  }

  /**
   * By our id or the service's. Looking at a job that rests unfinished carries it on (nothing is ordered anew), and
   * waits for the first news of it, at most `FIRST_NEWS_MS`.
   */
  async check(id: string, signal?: AbortSignal): Promise<Job | undefined> {
    const job = await this.find(id);
    return job === undefined || this.#refused.has(job.id) ? job : this.#resumer.resume(job, signal);
  }

  /** By our id or the service's, as it is; nothing is asked of anybody. */
  async find(id: string): Promise<Job | undefined> {
    return this.#refused.get(id) ?? this.#records.find(id);
  }

  /** The job when it is over, when nothing more happens to it for now, or when `waitMs` have passed. */
  async waitFor(id: string, options: WaitOptions): Promise<Job> {
    return this.#refused.get(id) ?? this.#waits.waitFor(id, options);
  }

  /** The jobs, in the order of the ids, when all are over or `waitMs` have passed. */
  async waitForAll(ids: readonly string[], options: BatchWaitOptions): Promise<readonly Job[]> {
    const waited = ids.filter((id) => !this.#refused.has(id));
    const jobs = await this.#waits.waitForAll(waited, options);
    return ids.flatMap((id) => this.#refused.get(id) ?? jobs[waited.indexOf(id)] ?? []);
  }

  /** Newest first. */
  list(): Promise<readonly Job[]> {
    return this.#records.list();
  }

  /** The picture's bytes, saved or not; `undefined` when there are none. @throws FluxError of kind `storage_failed` */
  async readPicture(job: Job): Promise<Uint8Array | undefined> {
    return job.file === undefined ? this.#runner.unsaved(job.id)?.bytes : this.#deps.store.read(job.file);
  }

  /** Bytes that whoever gets them may keep: those of a picture that is not saved yet are needed here. */
  async #pictureToGive(job: Job): Promise<Uint8Array | undefined> {
    const bytes = await this.readPicture(job);
    return job.file === undefined && bytes !== undefined ? Uint8Array.from(bytes) : bytes;
  }

  /**
   * The picture as an answer shows it.
   * @returns `unfit`: no picture within the bounds can be had of it; `undefined`: there is none
   * @throws FluxError of kind `storage_failed`
   */
  shownPicture(job: Job, bounds: PreviewBounds): Promise<ShownPicture | 'unfit' | undefined> {
    return this.#shown.show(job, bounds);
  }

  /** @param refresh asks the service for the headers of an answer first: one request, no credits. @throws FluxError */
  async limits(refresh?: AbortSignal): Promise<LimitsReport> {
    if (refresh !== undefined) await this.#deps.provider.refresh(refresh);
    await this.#recovery.reconcile({ resume: false });
    return limitsReport(await this.#deps.limits.state(), this.settings, this.#clock.now());
  }

  /** The last known balance, when it is below the alert. */
  async lowBalance(): Promise<number | undefined> {
    const { rateState } = await this.#deps.limits.state();
    const credits = rateState.balance?.credits;
    return credits !== undefined && credits < this.settings.lowCreditsAlert ? credits : undefined;
  }

  /** Carries on every job that rests unfinished; one that cannot be carried on keeps no other from it. */
  async resumeAll(): Promise<readonly Job[]> {
    const open = (await this.#records.list()).filter((job) => !isSettled(job) && job.state !== 'unknown');
    return Promise.all(
      open.map((job) =>
        this.#resumer.resume(job).catch((error: unknown) => ({
          ...job,
          failure: failureOf(error, { message: String(error), creditsSpent: 'maybe', retry: 'later' }),
        })),
      ),
    );
  }

  /** Stops waiting and watching; jobs go on at the service. */
  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.#deps.preview.close()]);
  }
}
