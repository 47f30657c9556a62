/** The parts of the provider's folder on a wire that is a function: thousands of answers in a second. */
import { createRedactor } from '../../../src/core/redaction.ts';
import type { Exchange, WireRequest } from '../../../src/doitong/api-client.ts';
import { type DialectName, ServiceFacts } from '../../../src/doitong/dialects.ts';
import { JobParser } from '../../../src/doitong/job-parser.ts';
import { JobReader } from '../../../src/doitong/job-reader.ts';
import { OrderSender } from '../../../src/doitong/order-sender.ts';
import { createWire, type WireDeps } from '../../../src/doitong/wire.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createOpenLimiter } from '../../support/open-limiter.ts';
import { createPlainWireMemory, type PlainWireMemory } from '../../support/plain-wire-memory.ts';
import { createSubmit } from '../../support/submit-order.ts';
import { KEY } from './scripted-service.ts';

export type FakeWireOptions = {
  dialect?: DialectName | 'auto';
  jobQuery?: WireDeps['jobQuery'];
  memory?: PlainWireMemory;
};

export function createFakeWire(
  answer: (request: WireRequest) => Exchange,
  { dialect = 'auto', jobQuery = 'auto', memory = createPlainWireMemory() }: FakeWireOptions = {},
) {
  const clock = createManualClock(undefined, { autoAdvance: true });
  const limiter = createOpenLimiter();
  const sent: WireRequest[] = [];
  const transport = {
    exchange: async (request: WireRequest): Promise<Exchange> => {
      sent.push(request);
      return answer(request);
    },
    close: async () => undefined,
  };
  const redact = createRedactor([KEY]);
  const lines: string[] = [];
  // The program's log redacts every line.
  const line = (message: string, fields?: object): void =>
    void lines.push(redact(`${message} ${JSON.stringify(fields)}`));
  const log = { debug: line, info: line, warn: line, error: line };
  const parser = new JobParser({ redact, removeSecrets: redact, log, origin: 'https://api.doitong.com' });
  const facts = new ServiceFacts(memory, log);
  const deps = { transport, limiter, clock, log, redact, parser, facts, apiKey: KEY, userAgent: 'test' };
  const wire = createWire({ ...deps, dialect, jobQuery });
  const [reader, orders] = [new JobReader(wire), new OrderSender(wire)];
  const submit = createSubmit(orders, limiter, clock);
  return { clock, limiter, sent, lines, memory, submit, reader, parser };
}

export const answered = (status: number, body: unknown, headers: Record<string, string> = {}): Exchange => ({
  outcome: 'answered',
  status,
  headers,
  body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
});

/** Whether a request is an order, and in which dialect. */
export function dialectIn({ method, path, body = '' }: WireRequest): DialectName | undefined {
  if (method === 'GET') return undefined;
  if (path !== '/graphql') return 'rest';
  return /mutation .*?job: (generateImage|generate)\(/u.exec(body)?.[1] as DialectName | undefined;
}
