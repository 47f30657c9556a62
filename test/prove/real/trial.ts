/** Orders at one service by real servers: what was wanted and answered, and in the end how that agrees with the books. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { readBooks, readRecords } from '../../crash/books.ts';
import type { Dice } from '../../crash/dice.ts';
import { Server, type ServerOptions } from './server.ts';
import { type Place, Service, type ServiceOptions } from './service.ts';

export type Counts = {
  /** Different pictures that were wanted. */
  intents: number;
  charges: number;
  /** Charges beyond the first for one picture. */
  paidTwice: number;
  /** Charged pictures that are not on disk in the end. */
  lost: number;
  /** Answers that said that no credits were spent for an order that was charged. */
  denied: number;
  /** Credits beyond the day's budget. */
  overBudget: number;
  /** Everything else that must not be. */
  problems: readonly string[];
  notes: readonly string[];
};

/** What a mode gets from the runner. */
export type Context = { seed: number; dice: Dice; say(text: string): void };

export type Mode = {
  name: string;
  /** One result for each service that it used; why it was skipped, where this machine does not allow it. */
  run(context: Context): Promise<readonly Counts[] | { skipped: string }>;
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
  readonly problems: string[] = [];
  readonly notes: string[] = [];
  readonly #prompts = new Set<string>();
  readonly #answers: Answer[] = [];
  readonly #servers = new Set<Server>();

  private constructor(
    readonly service: Service,
    readonly place: Place,
  ) {}

  /** @param folders where the pictures and the state go, unless to folders of the service's own */
  static async start(
    options: ServiceOptions,
    folders: Partial<Pick<Place, 'stateDir' | 'outputDir'>> = {},
  ): Promise<Trial> {
    const service = await Service.start(options);
    return new Trial(service, { ...service.place, ...folders });
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
   * disk or the user is to be asked. @returns the last answer; `undefined`: it took too long, which is a problem
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
    this.problems.push(
      `not there within ${Math.round(withinMs / 1_000)} s: ${prompts[0]} (${prompts.length}): ${last}`,
    );
    return undefined;
  }

  /** The open jobs that a list shows, as somebody who only looks. */
  async openJobs(server: Server): Promise<readonly { job_id: string; status: string }[]> {
    const { structuredContent } = await server.call('list_jobs', { limit: 100 });
    const { jobs = [] } = structuredContent as { jobs?: { job_id: string; status: string; file?: string }[] };
    return jobs.filter(({ status, file }) => status !== 'failed' && file === undefined);
  }

  /** Compares everything, when nothing is under way any more, and ends the service. */
  async account(budget = Number.POSITIVE_INFINITY): Promise<Counts> {
    for (const server of this.#servers) await server.close();
    const sources = await this.service.books(this.place);
    const books = await readBooks(sources, { exact: true });
    const denied = await this.#denied(sources);
    await this.service.close();
    return {
      intents: this.#prompts.size,
      charges: books.charges,
      paidTwice: books.doubleCharges,
      lost: books.charges - books.decoded,
      denied: denied.length,
      overBudget: Math.max(0, books.chargedCredits - budget),
      problems: [...this.problems, ...books.broken, ...denied],
      notes: this.notes,
    };
  }

  async #denied(sources: Parameters<typeof readBooks>[0]): Promise<string[]> {
    const { jobs: records } = await readRecords(sources);
    const charged = new Set(sources.sandbox.inspect().charges.map(({ idempotencyKey }) => idempotencyKey));
    return this.#answers.flatMap(({ prompt, job, from, to }) => {
      if (job.error?.credits_spent !== 'no') return [];
      const own = records.find(({ id }) => id === job.jobId);
      // A call that was refused has no job: what it may have ordered was recorded while it was answered.
      const meant = records.filter(
        (record) => record.request.prompt === prompt && record.createdAt >= from && record.createdAt <= to,
      );
      return (own === undefined ? meant : [own]).some(({ idempotencyKey }) => charged.has(idempotencyKey))
        ? [`charged, though "no credits were spent": ${prompt}: ${job.error.message}`]
        : [];
    });
  }
}
