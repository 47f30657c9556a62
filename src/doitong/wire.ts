/** What everything that speaks with the service works with. */
import type { Log } from '../core/ports.ts';
import { ApiClient, type ApiClientDeps } from './api-client.ts';
import type { DialectName, ServiceFacts } from './dialects.ts';
import type { JobParser } from './job-parser.ts';
import { Retries } from './retry.ts';
import { ServiceSchema } from './schema/introspection.ts';

export type WireDeps = ApiClientDeps & {
  log: Log;
  parser: JobParser;
  facts: ServiceFacts;
  /** Tries of one request, where they are to be fewer than usual. */
  attemptsMax?: number;
  dialect: DialectName | 'auto';
  /** The status query by its root field and the argument that takes the job's id, or `auto` to find it. */
  jobQuery: { field: string; argument: string } | 'auto';
};

export type Wire = ReturnType<typeof createWire>;

export function createWire(deps: WireDeps) {
  const client = new ApiClient(deps);
  const retries = new Retries(deps);
  return { ...deps, client, retries, schema: new ServiceSchema(client, retries) };
}
