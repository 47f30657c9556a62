/** Joins everything that speaks with the service, for one request limiter. */
import type { Clock, Log } from '../core/ports.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { ApiClient, type Transport } from './api-client.ts';
import type { DialectName } from './dialects.ts';
import type { JobQuery } from './documents.ts';
import type { Fence } from './failures.ts';
import type { JobParser } from './job-parser.ts';
import { JobReader } from './job-reader.ts';
import { OrderSender } from './order-sender.ts';
import { Retries } from './retry.ts';
import { type ServiceFacts, ServiceSchema } from './service-facts.ts';

export type WireDeps = {
  transport: Transport;
  limiter: RequestLimiter;
  clock: Clock;
  log: Log;
  fence: Fence;
  parser: JobParser;
  facts: ServiceFacts;
  apiKey: string | undefined;
  userAgent: string;
  /** Tries of one request, where they are to be fewer than usual. */
  attemptsMax?: number;
  /** How orders are placed, or `auto` to find out. */
  dialect: DialectName | 'auto';
  /** The status query, or `auto` to find it. */
  jobQuery: JobQuery | 'auto';
};

export type Wire = ReturnType<typeof createWire>;

export function createWire({ dialect, jobQuery, ...deps }: WireDeps) {
  const client = new ApiClient(deps);
  const retries = new Retries(deps);
  const schema = new ServiceSchema(client, retries);
  const shared = { ...deps, client, retries, schema };
  const reader = new JobReader({ ...shared, configured: jobQuery });
  const orders = new OrderSender({ ...shared, configured: dialect });
  return { client, retries, schema, reader, orders };
}
