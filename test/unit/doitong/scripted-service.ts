/** Owns a service for tests that answers each request as a script says, over real HTTP. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FluxError } from '../../../src/core/failure.ts';
import type { ImageProvider, RemoteJob } from '../../../src/core/image-provider.ts';
import type { LogFields } from '../../../src/core/ports.ts';
import { createDoitongProvider, type DoitongSettings } from '../../../src/doitong/doitong-provider.ts';
import { HEADERS_DOCUMENT } from '../../../src/doitong/order-sender.ts';
import type { RequestLimiter } from '../../../src/limits/limits.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import { createOpenLimiter, type OpenLimiter } from '../../support/open-limiter.ts';
import { createPlainWireMemory, type PlainWireMemory } from '../../support/plain-wire-memory.ts';
import { createSubmit, type Submit, type SubmitOptions } from '../../support/submit-order.ts';

export type Arrived = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Empty where there is none. */
  query: string;
  variables: unknown;
  /** What came, read as JSON; `undefined` for a GET. */
  body: unknown;
};
/** A body alone is sent as JSON with status 200. */
export type Scripted =
  | { status?: number; headers?: Record<string, string>; body?: unknown; text?: string }
  | ((response: ServerResponse, request: IncomingMessage) => void);
export type Script = readonly Scripted[] | ((arrived: Arrived, count: number) => Scripted);

export type ScriptedService = { url: string; arrived: Arrived[]; close(): Promise<void> };

/** A request that the script has no answer for gets 599, which no test expects. Lists tell no schema. */
export async function startScriptedService(script: Script): Promise<ScriptedService> {
  const arrived: Arrived[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const { query = '', variables } = (body ?? {}) as { query?: string; variables?: unknown };
    const { method = '', url: path = '', headers } = request;
    const entry = { method, path, headers, query, variables, body };
    // A list scripts orders and readings alone: the question for the schema or the time, which comes before the first of
    // them, is refused outside of it.
    if (typeof script !== 'function' && (query.includes('__schema') || query === HEADERS_DOCUMENT)) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify(errors({ message: 'Introspection is off.', code: 'INTROSPECTION_DISABLED' })));
      return;
    }
    arrived.push(entry);
    const step = typeof script === 'function' ? script(entry, arrived.length) : script[arrived.length - 1];
    // Its clock is the test's own business: by default it does not tell the time.
    response.sendDate = false;
    if (typeof step === 'function') return step(response, request);
    response.writeHead(step === undefined ? 599 : (step.status ?? 200), {
      'content-type': 'application/json',
      ...step?.headers,
    });
    response.end(step?.text ?? JSON.stringify(step?.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const KEY = 'dt_live_0123456789abcdef';
export const REQUEST = { prompt: 'a fox "in" the snow', width: 1024, height: 768 };
export const errors = (...list: { message: string; [extension: string]: unknown }[]): unknown => ({
  errors: list.map(({ message, ...extensions }) => ({ message, extensions })),
});
export const job = (fields: Record<string, unknown> = {}): unknown => ({
  data: { job: { id: 'job-1', status: 'processing', url: null, creditCost: 12, ...fields } },
});

/** How an order is sent that nobody ends and that needs no record. */
export const unmarked = (signal = new AbortController().signal): SubmitOptions => ({
  signal,
  beforeSending: async () => undefined,
});

/** All but the address. */
export const PLAIN_SETTINGS: Omit<DoitongSettings, 'apiUrl'> = {
  apiKey: KEY,
  jobQuery: 'auto',
  dialect: 'auto',
  userAgent: 'flux-pro-mcp/test',
};

/** A provider with the shortest calls for tests of one job. */
export type PlainProvider = ImageProvider & {
  /** The program's own way from a record to the service. */
  submit: Submit;
  /** The reading of one job; rejects with the failure of a reading. */
  read: (remoteId: string, signal: AbortSignal) => Promise<RemoteJob>;
};

export type Harness = {
  provider: PlainProvider;
  clock: ManualClock;
  /** Learns, and holds nothing back; not asked at all when a test brings its own. */
  limiter: OpenLimiter;
  /** What is known of the service; shared by the next process when a test hands it on. */
  memory: PlainWireMemory;
  service: ScriptedService;
  /** Every line of the log, as text. */
  lines: string[];
  close(): Promise<void>;
};

/** A provider in front of a scripted service, on a clock whose sleeps end at once. */
export async function startHarness(
  script: Script,
  options: {
    settings?: Partial<DoitongSettings>;
    clock?: ManualClock;
    limiterOn?: (clock: ManualClock) => RequestLimiter;
    memory?: PlainWireMemory;
    /** Another process in front of the same service; that one is not closed with it. */
    service?: ScriptedService;
  } = {},
): Promise<Harness> {
  const service = options.service ?? (await startScriptedService(script));
  const clock = options.clock ?? createManualClock(undefined, { autoAdvance: true });
  const limiter = createOpenLimiter();
  const memory = options.memory ?? createPlainWireMemory();
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields?: LogFields): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const used = options.limiterOn?.(clock) ?? limiter;
  const provider = withPlainCalls(
    createDoitongProvider(
      { ...PLAIN_SETTINGS, apiUrl: service.url, ...options.settings },
      { clock, log, limiter: used, memory },
    ),
    used,
    clock,
  );
  const close = async (): Promise<void> => {
    await provider.close();
    if (options.service === undefined) await service.close();
  };
  return { provider, clock, limiter, memory, service, lines, close };
}

export function withPlainCalls(provider: ImageProvider, limiter: RequestLimiter, clock: ManualClock): PlainProvider {
  const read = async (remoteId: string, signal: AbortSignal): Promise<RemoteJob> => {
    const reading = (await provider.readMany([remoteId], signal)).get(remoteId);
    if (reading !== undefined && 'job' in reading) return reading.job;
    throw reading === undefined ? new Error('there is no reading') : new FluxError(reading.failure);
  };
  return Object.assign(provider, { submit: createSubmit(provider, limiter, clock), read });
}
