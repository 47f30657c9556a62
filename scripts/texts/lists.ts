/** What a model reads of many jobs and of the limits: the answers of list_jobs and check_rate_limits, and the resources. */
import { loadConfig } from '../../src/config/load-config.ts';
import type { Config, Environment } from '../../src/config/settings.ts';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { Job } from '../../src/core/job.ts';
import { Limits } from '../../src/limits/limits.ts';
import { limitsReport } from '../../src/limits/limits-report.ts';
import type { RateReport } from '../../src/limits/rate-state.ts';
import { createUnkeptValues } from '../../src/storage/nothing-kept.ts';
import { failureOf } from '../text-samples/failures.ts';
import { jobIn, NOW } from '../text-samples/jobs.ts';
import { EVERY_STATE, jobAt, PROCESSING, SAVED } from '../text-samples/listed-jobs.ts';
import { allTitled, titled } from './markdown.ts';
import { type Ask, calledText, errorOf, jobService, SILENT_LOG, serve } from './served.ts';

const MINUTE_MS = 60_000;

export function unfinishedElsewhere(): Failure {
  const failure = failureOf('unfinished_elsewhere');
  return { ...failure, reason: { ...failure.reason, isEqual: false } as Failure['reason'] };
}
const ELSEWHERE = { otherKeys: { unfinished: async () => unfinishedElsewhere() } };

export function lists(): Promise<string> {
  const listed =
    (jobs: readonly Job[], args: object = {}, more: object = {}) =>
    async () =>
      calledText(await serve(jobService(jobs, more)), 'list_jobs', args);
  const many = Array.from({ length: 100 }, (_, at) =>
    jobAt(at, 'saved', `Harbour in fog ${at}, ${'and rain '.repeat(60)}`),
  );
  return allTitled([
    ['no job that fits', listed([SAVED], { query: 'zebra' })],
    ['no job, but some of another key', listed([], {}, ELSEWHERE)],
    ['one job, finished', listed([SAVED])],
    ['in every state, with a batch, and some of another key', listed(EVERY_STATE, {}, ELSEWHERE)],
    ['the first page of several', listed(EVERY_STATE, { limit: 2 })],
    [
      'a page without any, before older jobs',
      listed([], { query: 'zebra' }, { page: async () => ({ jobs: [], nextCursor: SAVED.id }) }),
    ],
    ['a long list (its first and its last lines)', async () => ends(await listed(many, { limit: 100 })())],
    ['arguments that are wrong', listed([], { status: 'saved', since: 'yesterday', limit: 500, page: 2 })],
    ['a cursor of somebody else', listed([], { cursor: 'page-2' })],
  ]);
}

function ends(text: string): string {
  const lines = text.split('\n');
  return [...lines.slice(0, 3), '[…]', ...lines.slice(-4)].join('\n');
}

export function configOf(env: Environment = {}): Config {
  const loaded = loadConfig({}, env);
  if (!loaded.ok) throw new Error(`refused: ${JSON.stringify(loaded.problems)}`);
  return loaded.config;
}

type Known = { plan?: Config['plan']; reported?: RateReport; jobs?: readonly Job[]; settings?: Partial<Config> };

/** By the very limits, which get what the service reported and what was ordered. */
export async function report({ plan = 'auto', reported, jobs = [], settings }: Known) {
  const clock = { now: () => NOW, monotonic: () => 0, random: () => 0 };
  const limits = new Limits(createUnkeptValues(), {
    clock: clock as ConstructorParameters<typeof Limits>[1]['clock'],
    log: SILENT_LOG,
    plan,
    jobs: async () => jobs,
  });
  if (reported !== undefined) await limits.learn(reported);
  return limitsReport(await limits.state(), { ...configOf(), ...settings }, NOW);
}

export const savedToday = (count: number, exact: number): Job[] =>
  Array.from({ length: count }, (_, at) =>
    jobIn('saved', { id: `job_${at}`, completedAt: NOW, credits: { min: 10, max: 20, exact } }),
  );

const MINUTE = { limit: 60, remaining: 42, resetsAt: NOW + 38_000 };
const AT_WORK = { reported: { window: MINUTE, balance: 2_150 }, jobs: [...savedToday(12, 14), ...EVERY_STATE] };

export function limits(): Promise<string> {
  const checked =
    (known: Known, sandbox = false) =>
    async () =>
      calledText(await serve(jobService([], { limits: () => report(known) }), { sandbox }), 'check_rate_limits');
  const refreshed = (failure: Failure) => async () => {
    const refusing = { limits: async () => Promise.reject(new FluxError(failure)) };
    return calledText(await serve(jobService([], refusing)), 'check_rate_limits', { refresh: true });
  };
  return allTitled([
    ['before the first order, with a plan that is assumed', checked({})],
    ['at work, with figures of the service', checked(AT_WORK)],
    ['a plan without fixed limits', checked({ plan: 'enterprise' })],
    ['in the sandbox', checked({ plan: 'pro' }, true)],
    ["today's budget is used up", checked({ jobs: savedToday(50, 20) })],
    ['the pictures of the day are used up', checked({ jobs: savedToday(3, 14), settings: { maxImagesPerDay: 3 } })],
    [
      "the plan's jobs of the day are used up",
      checked({ jobs: savedToday(100, 1), settings: { maxImagesPerDay: 1_000 } }),
    ],
    ['few credits', checked({ reported: { balance: 60 } })],
    ['no credits', checked({ reported: { balance: 0 } })],
    ['a call may cost too little', checked({ settings: { maxCreditsPerCall: 15 } })],
    ['the service demands a pause', checked({ reported: { pausedUntil: NOW + 10 * MINUTE_MS } })],
    ['refresh without a key', refreshed(failureOf('no_api_key'))],
    ['refresh, and the service fails', refreshed(failureOf('service_answered', 'call'))],
  ]);
}

type Listed = { uri?: string; uriTemplate?: string; title: string; description?: string };
const linesOf = (listed: unknown): string =>
  (listed as Listed[])
    .map(({ uri, uriTemplate, title, description }) =>
      [`- \`${uri ?? uriTemplate}\`: "${title}"`, description].filter(Boolean).join('; '),
    )
    .join('\n');

async function resultOf(ask: Ask, method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { result, error } = await ask(method, params);
  if (result === undefined) throw new Error(`${method}: ${error?.message}`);
  return result;
}

/** What hosts show of resources, what stands in them, and what is said where there is nothing to read. */
export async function resources(): Promise<string> {
  const pictures = { read: async () => new Uint8Array(3_000_000), show: async () => undefined };
  const service = jobService([PROCESSING, SAVED], { limits: () => report(AT_WORK), pictures });
  const ask = await serve(service);
  const broken = await serve(jobService([], { limits: () => Promise.reject(new TypeError('a defect')) }));
  const locked = await serve({}, { jobs: () => Promise.reject(new FluxError(failureOf('no_home'))) });
  const read = async (uri: string): Promise<string> => {
    const { contents } = await resultOf(ask, 'resources/read', { uri });
    return (contents as { text?: string }[])[0]?.text ?? '';
  };
  const list = await resultOf(ask, 'resources/list');
  const templates = await resultOf(ask, 'resources/templates/list');
  const refusals: [what: string, ask: Ask, method: string, params: Record<string, unknown>][] = [
    ['another URI', ask, 'resources/read', { uri: 'flux://job/1' }],
    ['a job that is not on record', ask, 'resources/read', { uri: 'flux://jobs/job_1' }],
    ['a picture that is not finished', ask, 'resources/read', { uri: `flux://images/${PROCESSING.id}` }],
    ['a picture that is too large', ask, 'resources/read', { uri: `flux://images/${SAVED.id}` }],
    ['the page of the viewer, where there is none', ask, 'resources/read', { uri: 'ui://flux/viewer' }],
    ['without a home folder', locked, 'resources/read', { uri: 'flux://limits' }],
    ['a defect', broken, 'resources/read', { uri: 'flux://limits' }],
    ['a cursor of somebody else', ask, 'resources/list', { cursor: 'page-2' }],
    ['a subscription to what does not change', ask, 'resources/subscribe', { uri: 'flux://limits' }],
    ['a subscription to nothing', ask, 'resources/subscribe', { uri: 'flux://jobs/job_1' }],
  ];
  const errors = refusals.map(
    async ([what, asked, method, params]) => `- ${what}: ${await errorOf(asked, method, params)}`,
  );
  return [
    `**resources/list**\n\n${linesOf(list.resources)}`,
    `**resources/templates/list**\n\n${linesOf(templates.resourceTemplates)}`,
    titled('flux://limits', await read('flux://limits'), 'json'),
    titled('flux://jobs/{job_id}', await read(`flux://jobs/${SAVED.id}`), 'json'),
    `**errors**\n\n${(await Promise.all(errors)).join('\n')}`,
  ].join('\n\n');
}
