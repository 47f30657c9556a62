/**
 * The service that makes pictures, in a virtual world: it charges once for each idempotency key, knows keys for a day,
 * and, as its dice fall, loses requests and replies, keeps them waiting, repeats them, refuses, and fails.
 *
 * It plugs in at the port `ImageProvider`, with the program's own failure table and its own rules for trying again.
 * What it cannot know:
 * - the wire: how requests are encoded and answers are read, headers, dialects, schemas, redirects, proxies, webhooks.
 *   Contract tests and the sandbox have those.
 * - what the real service does. That it honours a key for a day, that a repetition with this key answers with the same
 *   job while it is being carried out, and that a refused request leaves nothing behind is assumed, not known.
 * - whether a picture that was moderated or has failed keeps its price; here it does.
 * - limits of the service for requests and for jobs at a time: it takes all that come, and counts what ran at a time.
 */
import { FluxError } from '../../src/core/failure.ts';
import type { ImageProvider, PreparedOrder, Reading, RemoteJob, SendResult } from '../../src/core/image-provider.ts';
import type { ImageRequest } from '../../src/core/image-request.ts';
import type { ImageDownload } from '../../src/core/image-store.ts';
import type { Clock } from '../../src/core/ports.ts';
import { type Decision, faultDecision, jobFailure, rowDecision } from '../../src/doitong/failures.ts';
import { Retries, type Try } from '../../src/doitong/retry.ts';
import { ServiceTime } from '../../src/doitong/api-client.ts';
import type { Limits } from '../../src/limits/limits.ts';
import { awaitPermit } from '../../src/limits/rate-state.ts';
import type { Dice } from '../crash/dice.ts';
import { QUIET } from '../unit/storage/engines.ts';
import type { VirtualProcess } from './virtual-process.ts';

const DAY_MS = 24 * 60 * 60_000;
const SUBMIT_MS = 30_000;
const READ_MS = 10_000;
const DOWNLOAD_MS = 120_000;

/** What may go wrong, each with its chance for one request. `undisturbed` is what is left. */
export type Trouble = {
  /** No connection: nothing has left. */
  unreachable: number;
  /** The request gets lost on its way. */
  losesRequest: number;
  /** It was carried out, and the answer gets lost. */
  losesReply: number;
  /** It is carried out when the sender has long given up. */
  holdsRequest: number;
  /** What was carried out arrives a second time, a while later. */
  repeatsRequest: number;
  rateLimited: number;
  moderated: number;
  noCredits: number;
  /** An error of the service before it was carried out, or after. */
  failsBefore: number;
  failsAfter: number;
  /** The picture is moderated, or cannot be made, after it was charged. */
  jobModerated: number;
  jobFails: number;
  /** The picture cannot be fetched for a while. */
  hidesPicture: number;
};

export const NO_TROUBLE: Trouble = {
  ...{ unreachable: 0, losesRequest: 0, losesReply: 0, holdsRequest: 0, repeatsRequest: 0, rateLimited: 0 },
  ...{ moderated: 0, noCredits: 0, failsBefore: 0, failsAfter: 0, jobModerated: 0, jobFails: 0, hidesPicture: 0 },
};

/** Each of them, some of the time. */
export const MUCH_TROUBLE: Trouble = {
  ...{ unreachable: 0.05, losesRequest: 0.1, losesReply: 0.15, holdsRequest: 0.05, repeatsRequest: 0.1 },
  ...{ rateLimited: 0.15, moderated: 0.02, noCredits: 0.01, failsBefore: 0.05, failsAfter: 0.08 },
  ...{ jobModerated: 0.03, jobFails: 0.03, hidesPicture: 0.2 },
};

/** One job that was charged. Times are milliseconds of the world. */
export type Charge = {
  key: string;
  remoteId: string;
  prompt: string;
  credits: number;
  /** Whether its price is ever reported: else its highest price stays in the books. */
  reportsPrice: boolean;
  at: number;
  endsAt: number;
  end: 'COMPLETED' | 'FAILED' | 'MODERATED';
  /** Its picture can be fetched from then on. */
  fetchableAt: number;
};

type Reply = { job: RemoteJob } | { decision: Decision };
type Order = PreparedOrder & { request: ImageRequest; failedTries: number };

export class VirtualService {
  readonly charges: Charge[] = [];
  /** As long as it lasts. */
  trouble: Trouble = NO_TROUBLE;
  /** The next replies to orders get lost, whatever the dice say. */
  repliesToLose = 0;
  /** Called in the moment of the charge. */
  onCharge: (charge: Charge) => void = () => undefined;
  readonly #outside: Clock;
  readonly #time: () => number;
  readonly #dice: Dice;

  constructor(outside: Clock, time: () => number, dice: Dice) {
    this.#outside = outside;
    this.#time = time;
    this.#dice = dice;
  }

  /** As the header of an answer tells it. */
  get date(): string {
    return new Date(this.#outside.now()).toUTCString();
  }

  /** How many jobs it has not finished. */
  running(): number {
    return this.charges.filter(({ endsAt }) => endsAt > this.#time()).length;
  }

  pictureOf(remoteId: string): string {
    return `the picture of ${remoteId}`;
  }

  #has(trouble: keyof Trouble): boolean {
    return this.#dice.chance(this.trouble[trouble]);
  }

  #latency(): Promise<void> {
    return this.#outside.sleep(this.#dice.between(20, 400));
  }

  /** What one request comes to; `lost`: no answer ever comes. The service and the network do not stop with the sender. */
  async order(key: string, request: ImageRequest): Promise<Reply | 'lost' | 'unreachable'> {
    if (this.#has('unreachable')) return 'unreachable';
    await this.#latency();
    if (this.#has('losesRequest')) return 'lost';
    if (this.#has('holdsRequest')) await this.#outside.sleep(this.#dice.between(SUBMIT_MS, 4 * SUBMIT_MS));
    const reply = this.#receive(key, request);
    if ('job' in reply && this.#has('repeatsRequest'))
      void this.#outside.sleep(this.#dice.between(0, 60_000)).then(() => this.#receive(key, request));
    await this.#latency();
    if (this.repliesToLose > 0) {
      this.repliesToLose -= 1;
      return 'lost';
    }
    return this.#has('losesReply') ? 'lost' : reply;
  }

  #receive(key: string, request: ImageRequest): Reply {
    // Counted before anybody looks at the key.
    if (this.#has('rateLimited')) return { decision: rowDecision('rateLimited', 'submit') };
    const known = this.charges.findLast((charge) => charge.key === key);
    if (known !== undefined && this.#time() - known.at < DAY_MS) return { job: this.#report(known) };
    for (const row of ['moderated', 'noCredits'] as const)
      if (this.#has(row)) return { decision: rowDecision(row, 'submit') };
    if (this.#has('failsBefore')) return { decision: rowDecision('serviceError', 'submit', { status: 500 }) };
    const charge = this.#charge(key, request);
    if (this.#has('failsAfter')) return { decision: rowDecision('serviceError', 'submit', { status: 502 }) };
    return { job: this.#report(charge) };
  }

  #charge(key: string, { prompt }: ImageRequest): Charge {
    const at = this.#time();
    const endsAt = at + this.#dice.between(3_000, 20_000);
    const end = this.#has('jobModerated') ? 'MODERATED' : this.#has('jobFails') ? 'FAILED' : 'COMPLETED';
    const hiddenMs = this.#has('hidesPicture') ? this.#dice.between(1_000, 10 * 60_000) : 0;
    const charge: Charge = {
      ...{ key, prompt, at, endsAt, end, fetchableAt: endsAt + hiddenMs },
      remoteId: `dt_${this.charges.length + 1}`,
      credits: this.#dice.between(10, 20),
      reportsPrice: this.#dice.chance(0.9),
    };
    this.charges.push(charge);
    this.onCharge(charge);
    return charge;
  }

  #report({ remoteId, endsAt, end, credits, reportsPrice }: Charge): RemoteJob {
    const isOver = endsAt <= this.#time();
    const price = reportsPrice && isOver && { creditCost: credits };
    if (!isOver) return { remoteId, phase: 'processing', remoteStatus: 'PROCESSING' };
    if (end !== 'COMPLETED')
      return { remoteId, phase: 'failed', remoteStatus: end, failure: jobFailure(end), ...price };
    return {
      remoteId,
      phase: 'completed',
      remoteStatus: end,
      url: `https://cdn.doitong.com/${remoteId}.png`,
      ...price,
    };
  }

  async read(remoteIds: readonly string[]): Promise<ReadonlyMap<string, Reading> | 'lost' | 'unreachable'> {
    if (this.#has('unreachable')) return 'unreachable';
    await this.#latency();
    if (this.#has('losesRequest')) return 'lost';
    const readings = remoteIds.map((id): [string, Reading] => {
      const charge = this.charges.find(({ remoteId }) => remoteId === id);
      if (charge === undefined) return [id, { failure: rowDecision('unknownJob', 'read').failure }];
      return [id, { job: this.#report(charge) }];
    });
    await this.#latency();
    return this.#has('losesReply') ? 'lost' : new Map(readings);
  }

  async fetch(url: string): Promise<string | 'refused'> {
    await this.#latency();
    const charge = this.charges.find(({ remoteId }) => url.endsWith(`/${remoteId}.png`));
    return charge !== undefined && charge.fetchableAt <= this.#time() ? this.pictureOf(charge.remoteId) : 'refused';
  }
}

/** What comes first: the answer, the end of patience, or the end of the call. The process may stand still before it sees it. */
async function answered<Answer>(
  work: Promise<Answer | 'lost'>,
  process: VirtualProcess,
  patienceMs: number,
  signal: AbortSignal,
): Promise<Answer | 'deadline' | 'caller'> {
  const deadline = process.clock.deadline(patienceMs);
  const over = new AbortController();
  const ends = (one: AbortSignal, how: 'deadline' | 'caller') =>
    new Promise<typeof how>((resolve) => {
      if (one.aborted) resolve(how);
      one.addEventListener('abort', () => resolve(how), { signal: over.signal });
    });
  const never = work.then((answer) => (answer === 'lost' ? new Promise<never>(() => undefined) : answer));
  const first = await Promise.race([never, ends(deadline.signal, 'deadline'), ends(signal, 'caller')]);
  over.abort();
  deadline.clear();
  await process.step('reply');
  return first;
}

/** The service as one process sees it. */
export function providerOf(service: VirtualService, process: VirtualProcess, limits: Limits): ImageProvider {
  const { clock } = process;
  const retries = new Retries({ clock, log: QUIET });
  const serviceTime = new ServiceTime(clock);
  let asked: Promise<void> | undefined;

  function failed(order: Order, decision: Decision, signal: AbortSignal): SendResult {
    const failedTries = order.failedTries + 1;
    const { failure, delayMs } = retries.after({ decision }, failedTries, { what: 'submit', attempts: 3, signal });
    if (delayMs === undefined) return { type: 'failed', failure };
    return { type: 'again', order: { ...order, failedTries } as Order, afterMs: delayMs, failure };
  }

  async function readOnce(
    remoteIds: readonly string[],
    signal: AbortSignal,
  ): Promise<Try<ReadonlyMap<string, Reading>>> {
    await awaitPermit(limits, clock, { purpose: 'read', fields: Math.max(1, remoteIds.length) }, signal);
    return readNow(remoteIds, signal);
  }

  /** Once, and without waiting for a permit. */
  async function askTime(signal: AbortSignal): Promise<void> {
    if ((await limits.permit({ purpose: 'read', fields: 1 })).granted) await readNow([], signal);
  }

  async function readNow(remoteIds: readonly string[], signal: AbortSignal): ReturnType<typeof readOnce> {
    await process.step('read jobs');
    const answer = await answered(service.read(remoteIds), process, READ_MS, signal);
    if (answer === 'deadline' || answer === 'caller')
      return { decision: faultDecision(true, { cause: answer }, 'read') };
    if (answer === 'unreachable') return { decision: faultDecision(false, { cause: 'network' }, 'read') };
    serviceTime.learn(service.date);
    return { value: answer };
  }

  return {
    unavailable: () => undefined,
    async prepare(request, { signal }): Promise<Order> {
      // As a process that remembers the dialect.
      if (serviceTime.now() === undefined) {
        asked ??= askTime(signal);
        await asked;
      }
      return { dialect: 'generate', request, failedTries: 0 };
    },
    async send(prepared, key, signal) {
      const order = prepared as Order;
      // Frozen or killed here, nothing has left, and the record says that it may have.
      await process.step('send');
      if (signal.aborted) return failed(order, faultDecision(false, { cause: 'caller' }, 'submit'), signal);
      const answer = await answered(service.order(key, order.request), process, SUBMIT_MS, signal);
      if (answer === 'deadline' || answer === 'caller')
        return failed(order, faultDecision(true, { cause: answer }, 'submit'), signal);
      if (answer === 'unreachable') return failed(order, faultDecision(false, { cause: 'network' }, 'submit'), signal);
      serviceTime.learn(service.date);
      if ('decision' in answer) return failed(order, answer.decision, signal);
      retries.succeeded();
      return { type: 'accepted', job: answer.job };
    },
    async readMany(remoteIds, signal) {
      const same = (failure: Reading & { failure: unknown }) => new Map(remoteIds.map((id) => [id, failure]));
      try {
        const options = { what: 'read jobs', attempts: 5, signal };
        const tried = await retries.run(() => readOnce(remoteIds, signal), options);
        signal.throwIfAborted();
        return 'value' in tried ? tried.value : same({ failure: tried.failure });
      } catch (error) {
        if (signal.aborted || !(error instanceof FluxError)) throw error;
        return same({ failure: { ...error.failure, creditsSpent: 'maybe' } });
      }
    },
    readsAtOnce: async () => 25,
    async times(ask) {
      if (ask !== undefined && serviceTime.now() === undefined) await readOnce([], ask).catch(() => undefined);
      return { here: process.clock.now(), there: serviceTime.now() };
    },
    refresh: async () => undefined,
    probe: () => Promise.reject(new Error('nobody examines the service here')),
    close: async () => undefined,
  };
}

/** Fetching a picture, as one process sees it. */
export function downloadOf(service: VirtualService, process: VirtualProcess): ImageDownload {
  const failed = (reason: 'picture_incomplete' | 'no answer'): FluxError =>
    new FluxError({
      kind: 'download_failed',
      reason: reason === 'no answer' ? { code: 'picture_too_slow', seconds: DOWNLOAD_MS / 1_000 } : { code: reason },
      creditsSpent: 'yes',
      retry: 'same_job',
    });
  return {
    async fetch(url, signal) {
      await process.step('fetch');
      const answer = await answered(service.fetch(url), process, DOWNLOAD_MS, signal);
      signal.throwIfAborted();
      if (answer === 'refused') throw failed('picture_incomplete');
      if (answer === 'deadline' || answer === 'caller') throw failed('no answer');
      return { bytes: Buffer.from(answer), mediaType: 'image/png', extension: 'png', size: { width: 8, height: 8 } };
    },
  };
}
