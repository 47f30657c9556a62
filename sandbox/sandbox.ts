// Owns the sandbox as a whole: its options, its start and stop, and the state that tests read.

import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { createApi } from './api.ts';
import { createDialects } from './dialects.ts';
import { createGraphql } from './graphql.ts';
import type { JobStatus } from './job.ts';
import { JobFile } from './job-file.ts';
import { createJobView } from './job-view.ts';
import { planLimits, RateLimiter, type SandboxPlan } from './limits.ts';
import { createListener } from './listener.ts';
import { createPictureHost } from './picture-host.ts';
import { type InjectedFault, type LoggedRequest, RequestLog } from './request-log.ts';
import { createPictureAddresses } from './scenarios/picture-addresses.ts';
import { chooseScenarios, type ScenarioName } from './scenarios/scenarios.ts';
import { type Charge, type Refund, Service } from './service.ts';
import { type WebhookDelivery, Webhooks, type WebhooksDeps } from './webhooks/webhooks.ts';

export type { SandboxPlan } from './limits.ts';
export type { ScenarioName } from './scenarios/scenarios.ts';
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
  /** The median time a job takes; each job differs up to 15 % from it, always by the same share. 0 ends jobs at once. */
  jobDurationMs?: number;
  /** Whether the schema may be asked for; default true. */
  introspection?: boolean;
  /** The rate limit's window; default a minute. */
  windowMs?: number;
  /** The sandbox's clock in epoch milliseconds; tests drive it instead of sleeping. */
  now?: () => number;
  /** Sleeps by that clock. Without it the clock is looked at every 20 ms of real time: no timer knows a test's own. */
  sleep?: WebhooksDeps['sleep'];
  /** Decides the job ids, how long each job takes, and whatever a scenario leaves open; random by default. */
  seed?: string;
  /** What goes wrong, or differs, by name; default nothing. They win over the other options. */
  scenarios?: readonly ScenarioName[];
  /** What webhooks are signed with; by default a generated one. */
  webhookSecret?: string;
  /** Keeps the jobs, and with them keys, prices and the balance, for later starts; by default nothing is kept. */
  stateFile?: string;
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
  /** What scenarios did to single requests, oldest first. */
  faults: InjectedFault[];
  /** Webhooks that have got an answer, or never will, oldest first. */
  webhooks: WebhookDelivery[];
};

export type Sandbox = {
  url: string;
  key: string;
  webhookSecret: string;
  close(): Promise<void>;
  inspect(): SandboxState;
};

const LONGEST_SLEEP_MS = 20;

const shortSleep: WebhooksDeps['sleep'] = (delayMs, signal) =>
  sleepFor(Math.min(delayMs, LONGEST_SLEEP_MS), undefined, { signal, ref: false });

/**
 * A stateful emulator of the Doitong service on a local port. Prompts that contain `sandbox:fail` make a job that ends
 * as `failed` (refunded), those with `sandbox:moderated` one that ends as `moderated` (not refunded).
 * The state is served at `GET /sandbox/state`, too, to whoever has the key, for tests of other processes.
 * @throws ScenarioError when the scenarios are unknown or exclude each other
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const chosen = chooseScenarios(options.scenarios ?? []);
  const { traits } = chosen;
  if (options.introspection === false) traits.introspection = false;
  const clock = options.now ?? Date.now;
  const now = (): number => clock() + traits.clockAheadMs;
  const key = options.key ?? `sandbox-${randomBytes(12).toString('hex')}`;
  const webhookSecret = options.webhookSecret ?? `sandbox-${randomBytes(12).toString('hex')}`;
  const seed = options.seed ?? randomUUID();
  const limits = planLimits[options.plan ?? 'pro'];

  let url = '';
  const addresses = createPictureAddresses(traits, seed);
  const view = createJobView(now, () => url, traits, addresses);
  const webhooks = new Webhooks({ now, secret: webhookSecret, traits, view, sleep: options.sleep ?? shortSleep });
  const service = new Service({
    limits,
    credits: traits.credits ?? options.credits ?? 1000,
    medianJobMs: (options.jobDurationMs ?? 4000) * traits.jobTimeFactor,
    now,
    seed,
    ending: traits.ending,
    file: options.stateFile === undefined ? undefined : new JobFile(options.stateFile),
    onJob: (job) => webhooks.expect(job),
  });
  const log = new RequestLog();
  const inspect = (): SandboxState => ({
    requests: log.list(),
    ...service.inspect(),
    faults: log.faults(),
    webhooks: webhooks.list(),
  });
  const dialects = createDialects(service, view);
  const limiter = new RateLimiter(limits.requestsPerWindow, options.windowMs ?? 60_000, now, traits.resetFormat);
  const handle = createListener({
    now,
    key,
    log,
    api: createApi({ key, chosen, limiter, graphql: createGraphql(dialects, traits), dialects }),
    pictures: createPictureHost(now, service, addresses),
    graphql: traits.graphql,
    inspect,
  });

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
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await announced;
  };
  return { url, key, webhookSecret, close, inspect };
}
