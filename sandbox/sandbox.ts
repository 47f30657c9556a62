// Owns the sandbox as a whole: its options, its start and stop, and the state that tests read.

import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { LoggedRequest } from './http.ts';
import { createGraphql } from './graphql.ts';
import { createRateLimiter, planLimits, type SandboxPlan } from './limits.ts';
import { createListener } from './listener.ts';
import { createOrders } from './orders.ts';
import { createPictures } from './pictures.ts';
import { chooseScenarios, type ScenarioName, valueFor } from './scenarios.ts';
import { createService } from './service.ts';
import { createWebhooks, type WebhooksDeps } from './webhooks.ts';

export type { ScenarioName } from './scenarios.ts';

export type SandboxOptions = {
  /** Of 127.0.0.1; 0, the default, takes any free one. */
  port?: number;
  /** Default `pro`. */
  plan?: SandboxPlan;
  /** The key that callers must send; by default a generated one. */
  key?: string;
  /** The balance to begin with; default 1000. */
  credits?: number;
  /** The median time a job takes; each job differs up to 15 % from it, always by the same share. 0 ends jobs at once. */
  jobDurationMs?: number;
  /** The rate limit's window; default a minute. */
  windowMs?: number;
  /** The sandbox's clock in epoch milliseconds; tests drive it instead of sleeping. */
  now?: () => number;
  /** Sleeps by that clock. Without it the clock is looked at every 20 ms of real time: no timer knows a test's own. */
  sleep?: WebhooksDeps['sleep'];
  /** Decides the job ids, how long each job takes, and whatever a scenario leaves open; random by default. */
  seed?: string;
  /** What goes wrong, or differs, by name; default nothing. They win over the other options. */
  scenarios?: Iterable<ScenarioName>;
  /** What webhooks are signed with; by default a generated one. */
  webhookSecret?: string;
  /** Keeps the jobs, and with them keys, prices and the balance, for later starts; by default nothing is kept. */
  stateFile?: string;
};

export type Sandbox = Awaited<ReturnType<typeof startSandbox>>;
/** What tests read; everything is listed oldest first. */
export type SandboxState = ReturnType<Sandbox['inspect']>;

const shortSleep: WebhooksDeps['sleep'] = (delayMs, signal) =>
  sleepFor(Math.min(delayMs, 20), undefined, { signal, ref: false });

const randomSecret = (): string => `sandbox-${randomBytes(12).toString('hex')}`;

/**
 * A stateful emulator of the Doitong service on a local port, as docs/sandbox.md describes it.
 * @throws ScenarioError when the scenarios are unknown or exclude each other
 */
export async function startSandbox(options: SandboxOptions = {}) {
  const scenarios = chooseScenarios(options.scenarios ?? []);
  const clock = options.now ?? Date.now;
  const now = (): number => clock() + (scenarios.has('skewed-clock') ? 10 * 60_000 : 0);
  const { key = randomSecret(), webhookSecret = randomSecret(), seed = randomUUID(), sleep = shortSleep } = options;
  const limits = planLimits[options.plan ?? 'pro'];

  let url = '';
  const service = createService({
    limits,
    credits: valueFor(scenarios, { 'out-of-credits': 0, 'low-credits': 20 }) ?? options.credits ?? 1000,
    medianJobMs: (options.jobDurationMs ?? 4000) * (scenarios.has('slow') ? 10 : 1),
    now,
    seed,
    ending: valueFor(scenarios, { moderated: 'moderated', failing: 'failed', 'never-finishing': 'never' }),
    stateFile: options.stateFile,
    onJob: (job) => webhooks.expect(job),
  });
  const pictures = createPictures(() => url, now, service, scenarios);
  const orders = createOrders(now, scenarios, service, pictures.urlOf);
  const { describe } = orders;
  const webhooks = createWebhooks({ now, secret: webhookSecret, scenarios, describe, sleep });
  const graphql = createGraphql(orders, scenarios);
  const limiter = createRateLimiter(limits.requestsPerWindow, options.windowMs ?? 60_000, now, scenarios);
  const log: LoggedRequest[] = [];
  const inspect = () => ({
    requests: structuredClone(log),
    ...service.inspect(),
    faults: log.flatMap(({ fault: scenario, at, operation, path, idempotencyKey }) =>
      scenario === undefined ? [] : { scenario, at, operation, path, idempotencyKey },
    ),
    webhooks: webhooks.list(),
  });
  const handle = createListener({ now, key, log, scenarios, limiter, orders, graphql, pictures, inspect });

  const server = createServer((request, response) => {
    // Only a caller that went away makes this fail.
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const close = async (): Promise<void> => {
    const announced = webhooks.close();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await Promise.all([announced, closed]);
  };
  return { url, key, webhookSecret, close, inspect };
}
