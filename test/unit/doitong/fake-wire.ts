/** The parts of the provider's folder on a wire that is a function: thousands of answers in a second. */
import { createRedactor } from '../../../src/core/redaction.ts';
import { ApiClient } from '../../../src/doitong/api-client.ts';
import { BatchReader } from '../../../src/doitong/batch-reader.ts';
import type { DialectName } from '../../../src/doitong/dialects.ts';
import type { JobQuery } from '../../../src/doitong/documents.ts';
import { quoteWith } from '../../../src/doitong/failures.ts';
import { JobIntake } from '../../../src/doitong/job-parser.ts';
import { JobReader } from '../../../src/doitong/job-reader.ts';
import { OrderSender } from '../../../src/doitong/order-sender.ts';
import { createRetries } from '../../../src/doitong/retry.ts';
import { ServiceFacts } from '../../../src/doitong/service-facts.ts';
import { ServiceSchema } from '../../../src/doitong/service-schema.ts';
import type { Exchange, WireRequest } from '../../../src/doitong/transport.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createOpenGate } from '../../support/open-gate.ts';
import { createPlainWireMemory, type PlainWireMemory } from '../../support/plain-wire-memory.ts';
import { KEY } from './scripted-service.ts';

export type FakeWireOptions = {
  dialect?: DialectName | 'auto';
  jobQuery?: JobQuery | 'auto';
  memory?: PlainWireMemory;
};

export function createFakeWire(
  answer: (request: WireRequest) => Exchange,
  { dialect = 'auto', jobQuery = 'auto', memory = createPlainWireMemory() }: FakeWireOptions = {},
) {
  const clock = createManualClock(undefined, { autoAdvance: true });
  const gate = createOpenGate();
  const sent: WireRequest[] = [];
  const transport = {
    exchange: async (request: WireRequest): Promise<Exchange> => {
      sent.push(request);
      return answer(request);
    },
    close: async () => undefined,
  };
  const redact = createRedactor([KEY]);
  const quote = quoteWith(redact);
  const lines: string[] = [];
  // The program's log redacts every line.
  const line = (message: string, fields?: object): void =>
    void lines.push(redact(`${message} ${JSON.stringify(fields)}`));
  const log = { debug: line, info: line, warn: line, error: line };
  const client = new ApiClient({ transport, gate, clock, quote, apiKey: KEY, userAgent: 'test' });
  const retries = createRetries({ clock, log });
  const parts = { client, schema: new ServiceSchema(client, retries), facts: new ServiceFacts(memory, log), log };
  const reader = new JobReader({ ...parts, retries, configured: jobQuery });
  return {
    clock,
    gate,
    sent,
    lines,
    memory,
    orders: new OrderSender({ ...parts, quote, configured: dialect }),
    reader,
    batches: new BatchReader({
      client,
      retries,
      quote,
      way: () => reader.knownWay(),
      readOne: (id, signal) => reader.read(id, signal),
    }),
    intake: new JobIntake({ redact, removeSecrets: redact, quote, log, origin: 'https://api.doitong.com' }),
  };
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
