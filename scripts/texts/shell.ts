/** What a person reads in a terminal: help, bad usage, settings that are refused, and the records. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../src/cli/commands.ts';
import { type ResumeDeps, resume } from '../../src/cli/jobs.ts';
import { type Environment, SETTINGS } from '../../src/config/settings.ts';
import type { Job } from '../../src/core/job.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { createFileJobStore } from '../../src/storage/file-stores.ts';
import { partitionFolder } from '../../src/storage/paths.ts';
import { failureOf } from '../text-samples/failures.ts';
import { allTitled, block } from './markdown.ts';
import { type Machine, onMachine } from './machine.ts';
import { EVERY_STATE, PROCESSING } from '../text-samples/listed-jobs.ts';
import { SILENT_LOG } from './served.ts';

const KEY = 'doitong-live-4f1c0a7be2d95863';
const WITH_KEY = { env: { DOITONG_API_KEY: KEY } };

export function help(): Promise<string> {
  return transcripts(['--help', ...COMMANDS.map(({ name }) => `${name} --help`)]);
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
  'jobs --limit',
  'jobs --json=yes',
  'jobs list --limit 5 --limit 6',
  'jobs list --limit 0',
  'jobs list --status done',
  'jobs remove',
  'jobs show',
  'jobs list job_1',
  'jobs show job_1 --status failed',
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
    allTitled(
      BAD_SETTINGS.map(([title, command, env]) => [title, () => shell(command, { env: { ...WITH_KEY.env, ...env } })]),
    ),
  );
}

export function records(): Promise<string> {
  return onMachine(async (machine) => {
    const shown: string[] = [];
    const show = async (...commands: string[]): Promise<void> => {
      for (const command of commands) shown.push(block(await machine.shell(command, WITH_KEY)));
    };
    const idOf = (state: Job['state']): string => EVERY_STATE.find((job) => job.state === state)?.id ?? '';
    const shownStates = ['saved', 'queued', 'processing', 'completed', 'failed', 'unknown'] as const;
    await show('jobs list', 'jobs list --status failed', 'jobs adopt');
    await record(machine, KEY, EVERY_STATE);
    const ofOtherKey = { ...PROCESSING, id: PROCESSING.id.replace('abc', 'xyz') };
    await record(machine, 'doitong-live-of-last-year', [ofOtherKey]);
    await show('jobs list', 'jobs list --limit 2', 'jobs list --json --limit 1');
    await show(...shownStates.map((state) => `jobs show ${idOf(state)}`), 'jobs show job_1');
    await show(...(['queued', 'processing', 'saved'] as const).map((state) => `jobs cancel ${idOf(state)}`));
    await show('jobs adopt');
    return [...shown, await resumed([]), await resumed([PROCESSING, ...IN_PROGRESS])].join('\n\n');
  });
}

/** Of which one will fail, and one will not be finished in time. */
const IN_PROGRESS = EVERY_STATE.filter((job) => job.state === 'processing' && job !== PROCESSING);

const apiUrl = SETTINGS.apiUrl.default;

async function record({ home }: Machine, key: string, jobs: readonly Job[]): Promise<void> {
  const folder = partitionFolder(join(home, '.local/state/flux-pro-mcp'), apiUrl, key);
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
