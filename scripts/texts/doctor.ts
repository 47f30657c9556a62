/** Each line that doctor can print, of facts that are played: the service is not asked. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attempt, checkLine, summaryLine } from '../../src/cli/doctor.ts';
import { budgetChecks, folderCheck, keyCheck, networkChecks, recordsCheck } from '../../src/cli/doctor-machine.ts';
import { serviceChecks } from '../../src/cli/doctor-service.ts';
import { type Check, ok, remedyFor, warn } from '../../src/cli/remedies.ts';
import type { Config } from '../../src/config/settings.ts';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { OrderingFinding, ReadingFinding, ServiceReport } from '../../src/core/image-provider.ts';
import type { ServiceAnswer } from '../../src/core/reasons.ts';
import { saidOf } from '../../src/mcp/failure-text.ts';
import { failureOf, SAMPLE_FAILURES } from '../text-samples/failures.ts';
import { jobIn, NOW } from '../text-samples/jobs.ts';
import { PROCESSING } from '../text-samples/listed-jobs.ts';
import { report, savedToday, unfinishedElsewhere, configOf } from './lists.ts';
import { onMachine } from './machine.ts';
import { block, titled } from './markdown.ts';

const HOUR_MS = 3_600_000;
const KEY = 'doitong-live-4f1c0a7be2d95863';
const NONE_DAMAGED = { folder: '', count: 0 };

type Checks = readonly Check[] | Promise<readonly Check[]>;

export function doctor(): Promise<string> {
  return onMachine(async ({ home }) => {
    const config = configOf();
    const linesOf = (checks: readonly Check[]): string =>
      checks
        .map((check) => checkLine(check, (text) => text))
        .join('\n')
        .replaceAll(home, '/home/user')
        .replaceAll(/[\d,]+ MB free/gu, '48,213 MB free');
    const folders = await madeFolders(home);
    const good = [
      ok('node', 'v22.12.0'),
      await keyCheck({ ...config, apiKey: KEY }, KEY),
      ...(await goodFolders(folders)),
      recordsCheck([], NONE_DAMAGED, NOW),
      ...networkChecks(config, {}),
      ...serviceChecks(reached({ clockAheadMs: 0, ordering: SETTLED, reading: WORKS, schema: 'readable' }), config),
      ...budgetChecks(await report({ reported: { balance: 2_150 } }), config.maxCreditsPerCall),
    ];
    const others: readonly (readonly [string, ...Checks[]])[] = [
      ['Key', ...keys(config, folders)],
      ['Folders', otherFolders(folders)],
      ['Records', ...RECORDS],
      ['Network', ...networks(config)],
      ['Service', ...services(config)],
      ['Budget', ...budgets(config)],
      ['What nobody foresaw', attempt('records', () => Promise.reject(new TypeError('x is not a function')))],
    ];
    const shown = [block(`$ flux-pro-mcp doctor\n${linesOf(good)}\n${summaryLine(good)}`)];
    for (const [title, ...made] of others) {
      const before = new Set(linesOf(good).split('\n'));
      const lines = linesOf((await Promise.all(made)).flat()).split('\n');
      shown.push(titled(title, [...new Set(lines)].filter((line) => !before.has(line)).join('\n')));
    }
    const bad = (status: Check['status']): Check => ({ check: '', status, found: '' });
    shown.push(
      titled('At the end', [[bad('warn')], [bad('fail'), bad('warn'), bad('warn')]].map(summaryLine).join('\n')),
    );
    return shown.join('\n\n');
  });
}

type Folders = { state: string; output: string; open: string; file: string; key: string };

/** Their permissions do not depend on what a new file is configOfly given. */
async function madeFolders(home: string): Promise<Folders> {
  const inHome = (...steps: string[]): string => join(home, ...steps);
  const state = inHome('.local', 'state', 'flux-pro-mcp');
  const output = inHome('Pictures', 'flux-pro');
  const open = inHome('shared');
  for (const folder of [state, output, open]) await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(open, 0o777);
  const [file, key] = [inHome('a-file'), inHome('key')];
  await writeFile(file, '');
  await writeFile(key, KEY);
  await chmod(key, 0o644);
  return { state, output, open, file, key };
}

const stateCheck = (root: string, folder = root) =>
  folderCheck('state_folder', 'FLUX_STATE_DIR', { contents: 'records', folder, root });
const outputCheck = (folder: string) =>
  folderCheck('output_folder', 'FLUX_OUTPUT_DIR', { contents: 'pictures', folder, now: NOW });

const goodFolders = ({ state, output }: Folders): Promise<Check[]> =>
  Promise.all([stateCheck(state), outputCheck(output)]);

const otherFolders = ({ state, output, open, file }: Folders): Promise<Check[]> =>
  Promise.all([
    stateCheck(state, join(state, 'api.doitong.com-key-1')),
    outputCheck(join(output, 'icons', 'small')),
    outputCheck(open),
    outputCheck(file),
    stateCheck(file),
  ]);

function keys(config: Config, { key }: Folders): Checks[] {
  const inFile = { ...config, apiKeyFile: key };
  return [
    attempt('key', async () => [await keyCheck(config, undefined)]),
    attempt('key', async () => [await keyCheck({ ...inFile, apiKey: KEY }, KEY)]),
    attempt('key', async () => [await keyCheck(inFile, KEY)]),
    attempt('key', () => Promise.reject(new FluxError(failureOf('key_not_usable')))),
    attempt('state_folder', () => Promise.reject(new FluxError(failureOf('no_home')))),
  ];
}

const others = unfinishedElsewhere();
const STALLED = jobIn('processing', { createdAt: NOW - HOUR_MS });
const RECORDS: readonly Checks[] = [
  [recordsCheck([PROCESSING], NONE_DAMAGED, NOW)],
  [recordsCheck([PROCESSING, STALLED], NONE_DAMAGED, NOW)],
  [recordsCheck([jobIn('unknown')], NONE_DAMAGED, NOW)],
  [
    recordsCheck(
      [STALLED, jobIn('unknown')],
      { folder: '/home/user/.local/state/flux-pro-mcp/damaged', count: 2 },
      NOW,
    ),
  ],
  [warn('other_keys', saidOf(others).what, remedyFor(others))],
];

function networks(config: Config): Checks[] {
  const webhook = { DOITONG_WEBHOOK_URL: 'https://me.example/hook', DOITONG_WEBHOOK_SECRET: 'a-long-secret' };
  return [
    networkChecks(configOf(webhook), {}),
    networkChecks(configOf({ ...webhook, DOITONG_WEBHOOK_LISTEN: '8080' }), {}),
    networkChecks(configOf({ DOITONG_API_URL: 'https://api.example' }), {}),
    networkChecks(configOf({ DOITONG_API_URL: 'http://127.0.0.1:4100' }), {}),
    networkChecks(configOf({ HTTPS_PROXY: 'http://user:password@proxy.example:3128' }), {}),
    networkChecks(configOf({ HTTPS_PROXY: 'http://proxy.example:3128', NO_PROXY: 'cdn.doitong.com' }), {}),
    networkChecks(config, { NODE_EXTRA_CA_CERTS: '/etc/ssl/company.pem' }),
    networkChecks(config, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
  ];
}

const SETTLED: OrderingFinding = { type: 'settled', dialect: 'generate', source: 'schema' };
const WORKS: ReadingFinding = { type: 'works', query: 'job(id)', source: 'schema' };

function reached(more: Partial<Extract<ServiceReport, { reached: true }>> = {}): ServiceReport {
  return { reached: true, tookMs: 84, limits: { limit: 60, remaining: 42 }, ...more };
}

function answerToRead(answer: ServiceAnswer): Failure {
  const found = SAMPLE_FAILURES.find(
    ({ failure: { reason } }) =>
      reason.code === 'service_answered' && reason.answer === answer && reason.purpose === 'read',
  );
  if (found === undefined) throw new Error(`no sample of ${answer}`);
  return found.failure;
}

function services(config: Config): Checks[] {
  const failures = [
    failureOf('not_connected'),
    failureOf('certificate_refused'),
    failureOf('proxy_refused'),
    failureOf('service_answered', 'call'),
    failureOf('requests_paused'),
  ];
  const orderings: OrderingFinding[] = [
    ...(['configured', 'remembered', 'only_one'] as const).map((source) => ({ ...SETTLED, source })),
    { type: 'open', dialects: ['generate', 'generateImage', 'rest'] },
    { type: 'unserved', dialect: 'generate', missing: ['projectId'], unknown: ['provider'] },
    { type: 'absent', dialects: ['generate', 'generateImage', 'rest'] },
  ];
  const readings: ReadingFinding[] = [
    ...(['configured', 'remembered', 'tried'] as const).map((source) => ({ ...WORKS, source })),
    { type: 'open' },
    { type: 'open', failure: answerToRead('serviceError') },
    { type: 'none', failure: failureOf('no_status_query') },
    { type: 'none', failure: failureOf('status_query_refused') },
  ];
  const reports: ServiceReport[] = [
    ...failures.map((failure) => ({ reached: false as const, failure })),
    ...[-45_000, 45_000, -180_000].map((clockAheadMs) => reached({ clockAheadMs })),
    reached({ limits: {}, keyRefused: answerToRead('badKey') }),
    reached({ keysIgnored: true }),
    ...(['withheld', 'no_graphql'] as const).map((schema) => reached({ schema })),
    ...orderings.map((ordering) => reached({ ordering })),
    ...readings.map((reading) => reached({ reading })),
  ];
  const { apiUrl } = config;
  return [
    ...reports.map((one) => serviceChecks(one, config)),
    serviceChecks(reached(), { apiUrl, plan: 'free' }),
    serviceChecks(reached({ limits: {} }), { apiUrl, plan: 'enterprise' }),
  ];
}

function budgets({ maxCreditsPerCall }: Config): Checks[] {
  const checks = async (known: Parameters<typeof report>[0], perCall = maxCreditsPerCall) =>
    budgetChecks(await report(known), perCall);
  return [
    checks({ jobs: savedToday(50, 20) }),
    checks({ jobs: savedToday(3, 14), settings: { maxImagesPerDay: 3 } }),
    checks({ jobs: savedToday(100, 1), settings: { maxImagesPerDay: 1_000 } }),
    checks({}, 15),
    checks({ reported: { balance: 37 } }),
  ];
}
