/** What a person reads in a terminal: help, bad usage, settings that are refused, and the records. */
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../src/cli/commands.ts';
import { type ResumeDeps, resume } from '../../src/cli/jobs.ts';
import { type Environment, SETTINGS } from '../../src/config/settings.ts';
import type { Job } from '../../src/core/job.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { createFileJobStore } from '../../src/storage/file-stores.ts';
import { heartbeatsFolder, partitionFolder } from '../../src/storage/paths.ts';
import { failureOf } from '../text-samples/failures.ts';
import { serveOnTerminal } from './literals.ts';
import { allTitled, block } from './markdown.ts';
import { captured, type Machine, onMachine } from './machine.ts';
import { EVERY_STATE, jobAt, PROCESSING } from '../text-samples/listed-jobs.ts';
import { SILENT_LOG } from './served.ts';

const KEY = 'doitong-live-4f1c0a7be2d95863';
const OTHER_KEY = 'doitong-live-of-last-year';
const WITH_KEY = { env: { DOITONG_API_KEY: KEY } };

/** What is said of the settings is the same in every help: after the first, their names are enough. */
export async function help(): Promise<string> {
  const [first = '', ...others] = (
    await transcripts(['--help', ...COMMANDS.map(({ name }) => `${name} --help`)])
  ).split('\n\n```text');
  const settings = /(?<=^Settings .*\n)(?: .*\n)+/gmu;
  const namesOnly = (text: string): string => text.replace(settings, (rows) => rows.replaceAll(/^ {3,}.*\n/gmu, ''));
  return [first, ...others.map(namesOnly)].join('\n\n```text');
}

const transcripts = (commands: readonly string[]): Promise<string> =>
  onMachine(async ({ shell }) => {
    const shown: string[] = [];
    for (const command of commands) shown.push(block(await shell(command, WITH_KEY)));
    return shown.join('\n\n');
  });

/** Arguments that are wrong, each with the same key in the environment. */
const BAD_USAGE: readonly string[] = [
  'server',
  'paint',
  'doctor --jsn',
  'serve --api-key abc',
  'serve now',
  'generate',
  'generate "a fox" --aspect-ratio 5:3 --width 1000 --max-credits none',
  'generate "a fox" "" --style "in oil"',
  'generate --from /nowhere/pictures.csv',
  'jobs --limit',
  'jobs --json=yes',
  'jobs list --limit 5 --limit 6',
  'jobs list --limit 0',
  'jobs list --status done',
  'jobs remove',
  'jobs show',
  'jobs list job_1',
  'jobs show job_1 --status failed',
  'jobs purge --older-than 7',
  'jobs purge --older-than 30',
  'spend --by week',
  'sandbox --plan gold',
  'sandbox --scenario slow-network',
];

const BAD_SETTINGS: readonly (readonly [title: string, command: string, env: Environment])[] = [
  [
    'values that are refused',
    'jobs --duplicate-hours 500 --plan gold',
    {
      DOITONG_API_URL: 'http://api.doitong.com',
      FLUX_MAX_CREDITS_PER_DAY: '1e3',
      HTTPS_PROXY: 'socks5://user:secret@proxy.example:1080',
    },
  ],
  ['a placeholder that the host did not fill in', 'jobs', { FLUX_OUTPUT_DIR: '$HOME/Pictures' }],
  ['a setting that needs others', 'doctor', { DOITONG_WEBHOOK_LISTEN: '8080' }],
  ['a host that is open to everybody', 'jobs', { DOITONG_DOWNLOAD_HOSTS: 'cdn.doitong.com, github.io' }],
  ['no key', 'jobs', { DOITONG_API_KEY: undefined }],
  ['a placeholder instead of the key', 'jobs', { DOITONG_API_KEY: '$DOITONG_API_KEY' }],
  ['a key file that is not there', 'jobs', { DOITONG_API_KEY: undefined, DOITONG_API_KEY_FILE: '/nowhere/key' }],
];

export const badUsage = (): Promise<string> => transcripts(BAD_USAGE);

export function badSettings(): Promise<string> {
  return onMachine(({ shell }) =>
    allTitled([
      ['a terminal in place of a host', serveOnTerminal],
      ['Node.js is too old', oldNode],
      ['a port that is taken', () => withPortTaken((port) => shell(`sandbox --port ${port}`))],
      ...BAD_SETTINGS.map(
        ([title, command, env]) => [title, () => shell(command, { env: { ...WITH_KEY.env, ...env } })] as const,
      ),
    ]),
  );
}

/** By the bin itself, which reads the version when it is loaded. */
async function oldNode(): Promise<string> {
  const { versions, exitCode } = process;
  const show = (shown: object): unknown => Object.defineProperty(process, 'versions', { value: shown });
  show({ ...versions, node: '18.20.4' });
  try {
    const { printed } = await captured(async () => {
      await import('../../src/main.ts');
      return 0;
    });
    const end = `[exit code ${process.exitCode}]`;
    return `$ flux-pro-mcp\n${printed}${end}`;
  } finally {
    show(versions);
    process.exitCode = exitCode;
  }
}

/** Any port may be taken, so that it is shown as another one. */
async function withPortTaken(use: (port: number) => Promise<string>): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return (await use(port)).replaceAll(String(port), '8080');
  } finally {
    server.close();
  }
}

export function records(): Promise<string> {
  return onMachine(async (machine) => {
    const shown: string[] = [];
    const show = async (...commands: string[]): Promise<void> => {
      for (const command of commands) shown.push(block(await machine.shell(command, WITH_KEY)));
    };
    const idOf = (state: Job['state']): string => EVERY_STATE.find((job) => job.state === state)?.id ?? '';
    const shownStates = ['saved', 'queued', 'processing', 'completed', 'failed', 'unknown'] as const;
    await show('jobs list', 'jobs list --status failed', 'jobs adopt', 'spend', 'spend --csv', `${PURGE} --dry-run`);
    await record(machine, KEY, EVERY_STATE);
    const ofOtherKey = { ...PROCESSING, id: PROCESSING.id.replace('abc', 'xyz') };
    await record(machine, OTHER_KEY, [ofOtherKey]);
    await show('jobs list', 'jobs list --limit 2', 'jobs list --json --limit 1');
    await show(...shownStates.map((state) => `jobs show ${idOf(state)}`), 'jobs show job_1');
    await show(...(['queued', 'processing', 'saved'] as const).map((state) => `jobs cancel ${idOf(state)}`));
    await beat(machine, OTHER_KEY, ofOtherKey);
    await inNoTime(() => show('jobs adopt'));
    await rm(heartbeatsFolder(partition(machine, OTHER_KEY)), { recursive: true });
    await show('jobs adopt');
    await record(machine, KEY, OLD);
    await mkdir(join(machine.home, 'Pictures/flux-pro'), { recursive: true });
    await show('spend', 'spend --by month --csv', `${PURGE} --dry-run`, `${PURGE} --pictures --yes`);
    return [...shown, await resumed([]), await resumed([PROCESSING, ...IN_PROGRESS])].join('\n\n');
  });
}

/** Of which one will fail, and one will not be finished in time. */
const IN_PROGRESS = EVERY_STATE.filter((job) => job.state === 'processing' && job !== PROCESSING);

const PURGE = 'jobs purge --older-than 30';
const DAY_MINUTES = 24 * 60;
/** Of which nothing is left in the output folder. */
const OLD = [
  jobAt(40 * DAY_MINUTES, 'saved', 'Paper boats on a pond'),
  jobAt(41 * DAY_MINUTES, 'failed', 'Owl in a hollow tree', { failure: failureOf('job_without_picture') }),
];

const apiUrl = SETTINGS.apiUrl.default;

const partition = ({ home }: Machine, key: string): string =>
  partitionFolder(join(home, '.local/state/flux-pro-mcp'), apiUrl, key);

/** A server at work with that key. */
async function beat(machine: Machine, key: string, { owner }: Job): Promise<void> {
  const folder = heartbeatsFolder(partition(machine, key));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${owner.session}.1`), '');
}

/** Whoever waits there has waited long enough at once. */
async function inNoTime(work: () => Promise<void>): Promise<void> {
  const { now } = performance;
  let at = 0;
  performance.now = () => {
    at += 60_000;
    return at;
  };
  await work().finally(() => {
    performance.now = now;
  });
}

async function record(machine: Machine, key: string, jobs: readonly Job[]): Promise<void> {
  const { home } = machine;
  const folder = partition(machine, key);
  const outputFolder = join(home, 'Pictures/flux-pro');
  const store = createFileJobStore(folder, { clock: systemClock, log: SILENT_LOG, outputFolder });
  for (const job of jobs)
    await store.add(job.file === undefined ? job : { ...job, file: job.file.replace('/home/user', home) });
  const damaged = join(folder, 'damaged', 'record.1');
  await mkdir(dirname(damaged), { recursive: true });
  await writeFile(damaged, '');
}

/** It asks the service, which is played. */
async function resumed(open: readonly Job[]): Promise<string> {
  const ends: Partial<Job>[] = [
    { state: 'saved', file: '/home/user/Pictures/flux-pro/2026-11/fox-asleep-in-fresh-snow.jpg' },
    { state: 'failed', failure: failureOf('job_without_picture') },
    { remoteStatus: 'QUEUED' },
  ];
  const waitFor = async (id: string, { onTick }: { onTick: (progress: { job: Job }) => void }): Promise<Job> => {
    const at = open.findIndex((job) => job.id === id);
    const job = { ...(open[at] as Job), ...ends[at] };
    if (job.state === 'saved') onTick({ job: { ...(open[at] as Job), state: 'completed' } });
    return job;
  };
  const lines: string[] = [];
  const deps = {
    jobs: { open: async () => open, find: async () => undefined, resumeAll: async () => open, waitFor },
    clock: systemClock,
    say: (line: string) => void lines.push(line),
    redact: (text: string) => text,
    signal: new AbortController().signal,
  };
  const code = await resume(deps as unknown as ResumeDeps, 120);
  return block(['$ flux-pro-mcp jobs resume', ...lines, ...(code === 0 ? [] : [`[exit code ${code}]`])].join('\n'));
}
