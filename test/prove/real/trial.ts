/** Orders at one service by real servers: what was wanted and answered, and in the end how that agrees with the books. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { type BookSources, readBooks, readRecords } from '../../crash/books.ts';
import type { Breach, BreachKind } from '../audit.ts';
import type { CaseResult } from '../mode.ts';
import { Server, type ServerOptions } from './server.ts';
import { type Place, Service, type ServiceOptions } from './service.ts';

export type TrialOptions = ServiceOptions & {
  /** Of the case. */
  name: string;
  seed: number;
  /** Where the pictures and the state go, unless to folders of the service's own. */
  folders?: Partial<Pick<Place, 'stateDir' | 'outputDir'>>;
  /** Credits that may be spent. */
  budget?: number;
};

/** One picture in an answer. `refused`: the call was refused before there was a job. */
type AnsweredJob = {
  jobId?: string;
  status: string;
  file?: string;
  error?: { kind: string; message: string; credits_spent: string };
};
type Answer = { prompt: string; job: AnsweredJob; from: number; to: number };
type View = { job_id: string; status: string; file?: string; error?: AnsweredJob['error'] };

const SIDES = { width: 256, height: 256 };
const PAUSE_MS = 250;
/** These are the user's to change: a host that repeats the call gets the same answer. */
const FINAL = ['over_budget', 'no_credits', 'not_confirmed', 'bad_input', 'bad_key', 'moderated'];

export class Trial {
  readonly #breaches: Breach[] = [];
  /** What happened, in short. */
  readonly #trace: string[] = [];
  readonly #prompts = new Set<string>();
  readonly #answers: Answer[] = [];
  readonly #servers = new Set<Server>();

  private constructor(
    readonly service: Service,
    readonly place: Place,
    private readonly options: TrialOptions,
  ) {}

  /** Plays the story at a service of its own, and compares everything when nothing is under way any more. */
  static async play(options: TrialOptions, story: (trial: Trial) => Promise<void>): Promise<CaseResult> {
    const { sandbox, folders, name, seed } = options;
    const service = await Service.start({
      // The figures of the service would hold everybody up for minutes.
      witness: { withoutRateHeaders: true },
      sandbox: { jobDurationMs: 500, ...sandbox, seed: String(seed) },
    });
    const trial = new Trial(service, { ...service.place, ...folders }, options);
    try {
      await story(trial).catch((error: unknown) => trial.breach('no end', String(error)));
      for (const server of trial.#servers) await server.close();
      // What could not be written of the limits is made good by whoever looks next.
      const last = await trial.serve();
      await last.call('check_rate_limits', {});
      await last.close();
      const charges = await trial.#compare();
      return { name, seed, intents: trial.#prompts.size, charges, breaches: trial.#breaches, trace: trial.#trace };
    } finally {
      for (const server of trial.#servers) server.signal('SIGKILL');
      await service.close();
    }
  }

  breach(kind: BreachKind, what: string): void {
    this.#breaches.push({ kind, what: `${this.options.name}: ${what}` });
  }

  /** Shown at once, too: a run takes minutes. */
  note(text: string): void {
    this.#trace.push(`${this.options.name}: ${text}`);
    console.error(`  ${this.options.name}: ${text}`);
  }

  async serve(options: ServerOptions = {}): Promise<Server> {
    const server = await Server.start(this.place, options);
    this.#servers.add(server);
    void server.ended.then(() => this.#servers.delete(server));
    return server;
  }

  /** One call for these pictures. @throws Error when the server ends before it has answered */
  async order(server: Server, prompts: readonly string[], waitSeconds = 60): Promise<AnsweredJob[]> {
    for (const prompt of prompts) this.#prompts.add(prompt);
    const from = Date.now();
    const images = prompts.map((prompt) => ({ prompt, ...SIDES }));
    const common = { wait_seconds: waitSeconds };
    const { structuredContent, content } = await (images.length === 1
      ? server.call('generate_image', { ...images[0], ...common })
      : server.call('generate_images', { images, ...common }));
    const to = Date.now();
    const data = structuredContent as { jobs?: View[]; error?: AnsweredJob['error'] } | undefined;
    if (data === undefined) throw new Error(`an answer without data: ${content[0]?.text}`);
    const jobs = prompts.map((_, at): AnsweredJob => {
      if (data.jobs === undefined && !('job_id' in data))
        return { status: 'refused', ...(data.error && { error: data.error }) };
      const { job_id, status, file, error } = (data.jobs?.[at] ?? data) as View;
      return { jobId: job_id, status, ...(file && { file }), ...(error && { error }) };
    });
    for (const [at, prompt] of prompts.entries()) {
      const job = jobs[at];
      if (job !== undefined) this.#answers.push({ prompt, job, from, to });
    }
    return jobs;
  }

  /**
   * As a host does that wants its pictures: the same call again, at whatever server there is by then, until they are on
   * disk or the user is to be asked. @returns the last answer; `undefined`: it took too long
   */
  async orderUntilSaved(
    server: () => Server | Promise<Server>,
    prompts: readonly string[],
    withinMs: number,
  ): Promise<AnsweredJob[] | undefined> {
    const latest = performance.now() + withinMs;
    let last = 'there was no answer';
    while (performance.now() < latest) {
      try {
        const waitSeconds = Math.min(60, Math.ceil((latest - performance.now()) / 1_000));
        const jobs = await this.order(await server(), prompts, waitSeconds);
        const open = jobs.filter(({ file, error }) => file === undefined && !FINAL.includes(error?.kind ?? ''));
        if (open.length === 0) return jobs;
        last = JSON.stringify(open[0]);
      } catch (error) {
        last = String(error);
      }
      await sleepFor(PAUSE_MS);
    }
    const wanted = `${prompts[0]}${prompts.length > 1 ? ` and ${prompts.length - 1} more` : ''}`;
    this.breach('no end', `not there within ${Math.round(withinMs / 1_000)} s: ${wanted}: ${last}`);
    return undefined;
  }

  /** The open jobs that a list shows, as somebody who only looks. */
  async openJobs(server: Server): Promise<readonly { job_id: string; status: string }[]> {
    const { structuredContent } = await server.call('list_jobs', { limit: 100 });
    const { jobs = [] } = structuredContent as { jobs?: { job_id: string; status: string; file?: string }[] };
    return jobs.filter(({ status, file }) => status !== 'failed' && file === undefined);
  }

  /** @returns how many pictures were charged */
  async #compare(): Promise<number> {
    const sources = await this.service.books(this.place);
    const books = await readBooks(sources, { exact: true });
    const { budget = Number.POSITIVE_INFINITY } = this.options;
    for (let extra = 1; extra <= books.doubleCharges; extra += 1)
      this.breach('paid twice', `charge ${extra} of ${books.doubleCharges} for a picture that was charged before`);
    for (let lost = 1; lost <= books.charges - books.decoded; lost += 1)
      this.breach('lost', `charged picture ${lost} of ${books.charges - books.decoded} that is not on disk`);
    if (books.chargedCredits > budget)
      this.breach('over budget', `${books.chargedCredits} credits of ${budget} were charged`);
    await this.#compareAnswers(sources);
    for (const what of books.broken) this.breach('books', what);
    return books.charges;
  }

  async #compareAnswers(sources: BookSources): Promise<void> {
    const { jobs: records } = await readRecords(sources);
    const charged = new Set(sources.sandbox.inspect().charges.map(({ idempotencyKey }) => idempotencyKey));
    for (const { prompt, job, from, to } of this.#answers) {
      if (job.error?.credits_spent !== 'no') continue;
      const own = records.find(({ id }) => id === job.jobId);
      // A call that was refused has no job: what it may have ordered was recorded while it was answered.
      const meant = records.filter(
        (record) => record.request.prompt === prompt && record.createdAt >= from && record.createdAt <= to,
      );
      if ((own === undefined ? meant : [own]).some(({ idempotencyKey }) => charged.has(idempotencyKey)))
        this.breach('denied charge', `"no credits were spent" for ${prompt}: ${job.error.message}`);
    }
  }
}
