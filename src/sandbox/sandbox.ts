// Owns the sandbox as a whole: its options, its start and stop, and the state that tests look at.

import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGraphqlEndpoint } from './graphql-endpoint.ts';
import { createGraphqlEngine } from './graphql-engine.ts';
import { createResolvers } from './graphql-resolvers.ts';
import { HttpDoor } from './http-door.ts';
import type { JobStatus } from './job.ts';
import { planLimits, type SandboxPlan } from './plans.ts';
import { RateLimiter } from './rate-limiter.ts';
import { type LoggedRequest, RequestLog } from './request-log.ts';
import { type Charge, type Refund, Service } from './service.ts';

export type { SandboxPlan } from './plans.ts';
export { sandboxSchemaSdl } from './schema-sdl.ts';

export type SandboxOptions = {
  /** 0, the default, takes any free port; only 127.0.0.1 is bound. */
  port?: number;
  /** Default `pro`. */
  plan?: SandboxPlan;
  /** The key that callers must send; by default a generated one. */
  key?: string;
  /** The balance to begin with; default 1000. */
  credits?: number;
  /** The median time a job takes; each job strays up to 15 % from it, always the same way. 0 ends jobs at once. */
  jobDurationMs?: number;
  /** Whether the schema may be asked for; default true. */
  introspection?: boolean;
  /** The rate limit's window; default a minute. */
  windowMs?: number;
  /** The sandbox's clock in epoch milliseconds; tests drive it instead of sleeping. */
  now?: () => number;
  /** Decides the job ids, and with them how long each job takes; random by default. */
  seed?: string;
};

export type SandboxState = {
  /** What arrived, oldest first, refused requests too; reading this state is not listed. */
  requests: LoggedRequest[];
  charges: Charge[];
  /** A charge is refunded when its job fails, not when it is moderated. */
  refunds: Refund[];
  jobs: { id: string; status: JobStatus; prompt: string; width: number; height: number; creditCost: number }[];
  credits: number;
  /** Valid submissions that reached the service: repeated and refused ones count, rate-limited ones do not. */
  submissions: number;
};

export type Sandbox = { url: string; key: string; close(): Promise<void>; inspect(): SandboxState };

/**
 * A stateful emulator of the Doitong service on a local port. Prompts that contain `sandbox:fail` make a job that ends
 * as `failed` (refunded), those with `sandbox:moderated` one that ends as `moderated` (not refunded).
 * The state is served at `GET /sandbox/state`, too, for tests of other processes.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const now = options.now ?? Date.now;
  const key = options.key ?? `sandbox-${randomBytes(12).toString('hex')}`;
  const limits = planLimits[options.plan ?? 'pro'];
  const service = new Service({
    limits,
    credits: options.credits ?? 1000,
    medianJobMs: options.jobDurationMs ?? 4000,
    now,
    seed: options.seed ?? randomUUID(),
  });
  const log = new RequestLog();
  const inspect = (): SandboxState => ({ requests: log.list(), ...service.inspect() });

  let url = '';
  const origin = (): string => url;
  const door = new HttpDoor({
    key,
    now,
    origin,
    service,
    limiter: new RateLimiter(limits.requestsPerWindow, options.windowMs ?? 60_000, now),
    log,
    graphql: createGraphqlEndpoint(
      createGraphqlEngine(createResolvers(service, now, origin), options.introspection ?? true),
    ),
    inspect,
  });

  const server = createServer((request, response) => {
    // Only a caller that went away makes this fail.
    door.handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, key, close, inspect };
}
