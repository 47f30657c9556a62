/** The front of the job service, for tools and commands: order pictures, wait for them, check them, know the limits. */
import { failureOf } from '../core/failure.ts';
import type { Order } from '../core/image-request.ts';
import { isSettled, type Job } from '../core/job.ts';
import type { PreviewBounds, ShownPicture } from '../core/preview.ts';
import { type LimitsReport, limitsReport } from '../limits/limits-report.ts';
import type { JobsDeps, JobsSettings } from './deps.ts';
import { Duplicates } from './duplicates.ts';
import { JobRunner } from './job-runner.ts';
import { type Ordered, Orders } from './orders.ts';
import { type Proposal, type ProposalDeps, type ProposeOptions, propose, type ReadyProposal } from './proposal.ts';
import { Recovery } from './recovery.ts';
import { ShownPictures } from './shown-pictures.ts';
import { type BatchWaitOptions, type WaitOptions, Waits } from './waits.ts';

export class ImageJobs {
  readonly settings: JobsSettings;
  readonly #deps: JobsDeps;
  readonly #proposalDeps: ProposalDeps;
  readonly #runner: JobRunner;
  readonly #recovery: Recovery;
  readonly #orders: Orders;
  readonly #waits: Waits;
  readonly #shown: ShownPictures;

  constructor(deps: JobsDeps, settings: JobsSettings) {
    this.#deps = deps;
    this.settings = settings;
    this.#runner = new JobRunner(deps, settings, () => this.#recovery.resumeAbandoned());
    const withRunner = { ...deps, runner: this.#runner };
    this.#recovery = new Recovery(withRunner, settings);
    this.#waits = new Waits(withRunner);
    this.#shown = new ShownPictures(withRunner);
    const duplicates = new Duplicates({ ...withRunner, recovery: this.#recovery });
    this.#proposalDeps = { ...deps, duplicates, waits: this.#waits };
    this.#orders = new Orders({ ...withRunner, recovery: this.#recovery, duplicates }, settings);
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
   * @throws FluxError when the call as a whole is refused (over budget); nothing was sent then
   */
  async commit(proposal: ReadyProposal, signal?: AbortSignal): Promise<readonly Ordered[]> {
    // The last check before money moves.
    signal?.throwIfAborted();
    const { duplicates, isBatch } = proposal;
    const known = duplicates.filter((job) => job !== undefined);
    const hasNew = known.length < duplicates.length;
    // Repeated as a call for several pictures, even those that are all known are remembered together.
    if (!hasNew && !isBatch) return known.map((job) => ({ job, duplicate: true }));
    const placed = await this.#orders.place(proposal);
    for (const { job, refused } of placed) if (refused) this.#deps.records.keepRefused(job);
    // What other processes have left behind is looked after by whoever orders next; this call does not wait for it.
    if (placed.some(({ duplicate }) => !duplicate)) void this.#recovery.resumeAbandoned();
    return Promise.all(
      placed.map(async (one, at) =>
        one.duplicate && duplicates[at] === undefined ? { ...one, job: await this.#waits.resume(one.job) } : one,
      ),
    );
  }

  /** Takes an order back that has not been sent and that nobody else waits for. One that was sent goes on. */
  cancelUnsent(id: string): void {
    if (this.#deps.records.listeners(id) === 0) this.#runner.cancelUnsent(id);
  }

  /** By our id or the service's. An idle unfinished job is resumed, without a new order, and its first news waited for. */
  async check(id: string, signal?: AbortSignal): Promise<Job | undefined> {
    const job = await this.find(id);
    return job && this.#waits.resume(job, signal);
  }

  /** By our id or the service's, as it is; nothing is asked of anybody. */
  find(id: string): Promise<Job | undefined> {
    return this.#deps.records.find(id);
  }

  /** Newest first. */
  list(): Promise<readonly Job[]> {
    return this.#deps.records.list();
  }

  /** The job when it has ended, when nothing more happens to it for now, or when `waitMs` have passed. */
  waitFor(id: string, options: WaitOptions): Promise<Job> {
    return this.#waits.waitFor(id, options);
  }

  /** The jobs, in the order of the ids, when all have ended or `waitMs` have passed. */
  waitForAll(ids: readonly string[], options: BatchWaitOptions): Promise<readonly Job[]> {
    return this.#waits.waitForAll(ids, options);
  }

  /** The picture's bytes, saved or not; `undefined` when there are none. @throws FluxError of kind `storage_failed` */
  readPicture(job: Job): Promise<Uint8Array | undefined> {
    return this.#shown.read(job);
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
    const { provider, limits, clock } = this.#deps;
    if (refresh !== undefined) await provider.refresh(refresh);
    await this.#recovery.reconcile({ resume: false });
    return limitsReport(await limits.state(), this.settings, clock.now());
  }

  /** The last known balance, when it is below the alert. */
  async lowBalance(): Promise<number | undefined> {
    const { rateState } = await this.#deps.limits.state();
    const credits = rateState.balance?.credits;
    return credits !== undefined && credits < this.settings.lowCreditsAlert ? credits : undefined;
  }

  /** Resumes every idle unfinished job; one that cannot be resumed keeps no other from it. */
  async resumeAll(): Promise<readonly Job[]> {
    const open = (await this.list()).filter((job) => !isSettled(job) && job.state !== 'unknown');
    return Promise.all(
      open.map((job) =>
        this.#waits.resume(job).catch((error: unknown) => ({
          ...job,
          failure: failureOf(error, { message: String(error), creditsSpent: 'maybe', retry: 'later' }),
        })),
      ),
    );
  }

  /** Stops waiting and polling; jobs go on at the service. */
  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.#deps.preview.close()]);
  }
}
