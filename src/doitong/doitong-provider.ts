/** The Doitong service as an `ImageProvider`: joins the parts of this folder; the only file that others import. */
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { ImageProvider, PrepareOptions, Reading, RemoteJob, SendResult } from '../core/image-provider.ts';
import type { ImageRequest } from '../core/image-request.ts';
import type { ProxySettings } from '../core/proxy.ts';
import { createRedactor, createSecretFinder } from '../core/redaction.ts';
import type { ServiceReport } from '../core/image-provider.ts';
import type { WireMemory } from '../core/wire-memory.ts';
import { createTransport, type Transport } from './api-client.ts';
import type { WireOrder } from './dialects.ts';
import { HEADERS_DOCUMENT } from './documents.ts';
import { faultDecision, fenceWith, rowDecision } from './failures.ts';
import { JobParser } from './job-parser.ts';
import { JobReader } from './job-reader.ts';
import { type Order, OrderSender } from './order-sender.ts';
import { probeService } from './probe.ts';
import type { Try } from './retry.ts';
import { ServiceFacts } from './service-facts.ts';
import { createWire, type Wire, type WireDeps } from './wire.ts';
import { remoteIdSchema } from './wire-values.ts';

export type DoitongSettings = Pick<WireDeps, 'apiKey' | 'jobQuery' | 'dialect' | 'userAgent'> & {
  /** Origin of the API, without a path. */
  apiUrl: string;
  /** What must not be recorded of an answer either: the webhook secret. */
  otherSecrets?: readonly string[];
  proxies?: ProxySettings;
};

type DoitongDeps = Pick<WireDeps, 'clock' | 'log' | 'limiter'> & { memory: WireMemory };

export function createDoitongProvider(settings: DoitongSettings, deps: DoitongDeps): ImageProvider {
  return new DoitongProvider(settings, deps);
}

class DoitongProvider implements ImageProvider {
  private readonly closing = new AbortController();
  private readonly transport: Transport;
  private readonly wire: Wire;
  private readonly reader: JobReader;
  private readonly orders: OrderSender;

  constructor(settings: DoitongSettings, { clock, log, limiter, memory }: DoitongDeps) {
    const { apiUrl, apiKey, userAgent, dialect, jobQuery } = settings;
    const secrets = [apiKey, ...(settings.otherSecrets ?? [])].filter((secret) => secret !== undefined);
    const redact = createRedactor(secrets);
    const fence = fenceWith(redact);
    const removeSecrets = createRedactor(secrets, []);
    const parser = new JobParser({ redact, removeSecrets, fence, log, origin: apiUrl });
    const facts = new ServiceFacts(memory, log, createSecretFinder(secrets));
    this.transport = createTransport(apiUrl, clock, settings.proxies);
    const shared = { transport: this.transport, limiter, clock, log, fence, parser, facts };
    this.wire = createWire({ ...shared, apiKey, userAgent, dialect, jobQuery });
    this.reader = new JobReader(this.wire);
    this.orders = new OrderSender(this.wire);
  }

  unavailable(): Failure | undefined {
    const { apiKey = '' } = this.wire;
    if (/^[\x21-\x7e]+$/u.test(apiKey)) return undefined;
    const code = apiKey === '' ? 'no_api_key' : 'api_key_unusable';
    return { kind: 'bad_key', reason: { code }, creditsSpent: 'no', retry: 'no' };
  }

  async prepare(request: ImageRequest, { webhookUrl, dialect, signal }: PrepareOptions): Promise<Order> {
    this.requireKey();
    const content: WireOrder = { ...request, ...(webhookUrl === undefined ? {} : { webhookUrl }) };
    return this.orders.prepare(content, { dialect, signal: this.bounded(signal) });
  }

  async send(order: Order, idempotencyKey: string, signal: AbortSignal): Promise<SendResult> {
    try {
      return await this.orders.send(order, idempotencyKey, this.bounded(signal));
    } catch (error) {
      return { type: 'failed', failure: unforeseen(error, 'order') };
    }
  }

  async read(remoteId: string, signal: AbortSignal): Promise<RemoteJob> {
    const bounded = this.bounded(signal);
    const readings = await foreseen(bounded, () => this.readMany([remoteId], bounded));
    const reading = readings.get(remoteId);
    if (reading !== undefined && 'job' in reading) return reading.job;
    throw new FluxError(reading?.failure ?? rowDecision('unreadable', 'read').failure);
  }

  async readMany(remoteIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Reading>> {
    const unavailable = this.unavailable();
    const failure: Failure = unavailable === undefined ? NO_SUCH_ID : { ...unavailable, creditsSpent: 'maybe' };
    const readings = new Map<string, Reading>(remoteIds.map((id) => [id, { failure }]));
    if (unavailable !== undefined) return readings;
    const usable = remoteIds.filter((id) => remoteIdSchema.safeParse(id).success);
    const bounded = this.bounded(signal);
    try {
      for (const [id, reading] of await this.reader.read(usable, bounded)) readings.set(id, reading);
    } catch (error) {
      bounded.throwIfAborted();
      for (const id of usable) readings.set(id, { failure: unforeseen(error, 'read') });
    }
    return readings;
  }

  readsAtOnce(): Promise<number> {
    return this.reader.atOnce();
  }

  async refresh(signal: AbortSignal): Promise<void> {
    this.requireKey();
    const bounded = this.bounded(signal);
    const once = async (): Promise<Try<true>> => {
      const reply = await this.wire.client.read({ body: { query: HEADERS_DOCUMENT }, signal: bounded });
      if (reply.outcome === 'unanswered') return reply;
      // The headers have been read by now, even when the service refuses the query itself.
      const refusesTheQuestion = reply.problems !== undefined || reply.decision.row === 'notOffered';
      return reply.envelope.data !== undefined || refusesTheQuestion ? { value: true } : reply;
    };
    const options = { what: 'refresh the limits', attempts: 2, signal: bounded };
    const tried = await foreseen(bounded, () => this.wire.retries.run(once, options));
    if ('failure' in tried) throw new FluxError({ ...tried.failure, creditsSpent: 'no' });
  }

  probe(signal: AbortSignal): Promise<ServiceReport> {
    return probeService(this.wire, this.bounded(signal));
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('The provider is closed.'));
    await this.transport.close();
  }

  private bounded(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.closing.signal]);
  }

  private requireKey(): void {
    const failure = this.unavailable();
    if (failure !== undefined) throw new FluxError(failure);
  }
}

const NO_SUCH_ID = {
  kind: 'bad_input',
  reason: { code: 'no_such_job_id' },
  creditsSpent: 'maybe',
  retry: 'no',
} as const;

function unforeseen(error: unknown, during: 'order' | 'read'): Failure {
  const name = error instanceof Error ? error.name : typeof error;
  const reason = { code: 'unforeseen', during, error: name } as const;
  return failureOf(error, { reason, creditsSpent: 'maybe', retry: during === 'order' ? 'same_job' : 'later' });
}

/** Whatever nobody foresaw leaves this folder as a failure, too. */
async function foreseen<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted && !(error instanceof FluxError)) {
      throw new FluxError(faultDecision(false, { cause: 'caller' }, 'read').failure);
    }
    throw error instanceof FluxError ? error : new FluxError(unforeseen(error, 'read'), { cause: error });
  }
}
