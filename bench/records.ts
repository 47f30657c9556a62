/** Measures what the records, limits and budget on disk cost: for one picture, alone and in company, and for a list. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../src/core/job.ts';
import { randomIds, SELF } from '../src/runtime/system.ts';
import { storedText, versionFile } from '../src/storage/versioned-file.ts';
import {
  fileSystemOf,
  loadBefore,
  machine,
  markdownTable,
  median,
  milliseconds,
  quantile,
  recordIfAsked,
} from './figures.ts';
import type { Timings } from './records-worker.ts';

const PICTURES = 200;
const OTHERS = 3;
const PROBES = 200;
const RECORDS = 10_000;
/** Processes that list, one after the other; each of them lists for the first time once. */
const READERS = 7;

type Worker = { child: ChildProcess; ready: Promise<void>; timings: Promise<Timings> };

function start(mode: string, folder: string, detail: string): Worker {
  const file = join(import.meta.dirname, 'records-worker.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', file, mode, folder, detail], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  let isReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.startsWith('ready\n')) isReady();
  });
  const timings = new Promise<Timings>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output.replace('ready\n', '')) as Timings);
      else reject(new Error(`the worker "${mode}" ended with code ${code}`));
    });
  });
  return { child, ready, timings };
}

const worker = (mode: string, folder: string, detail: string): Promise<Timings> => start(mode, folder, detail).timings;

/** One process keeps the records of its pictures while three others do the same, without end. */
async function inCompany(folder: string): Promise<Timings> {
  const others = Array.from({ length: OTHERS }, () => start('pictures', folder, '0'));
  try {
    await Promise.all(others.map(({ ready, timings }) => Promise.race([ready, timings])));
    return await worker('pictures', folder, String(PICTURES));
  } finally {
    for (const { child } of others) child.stdin?.end();
    // What went wrong there has been printed; nobody may write there any more when the folder is removed.
    await Promise.allSettled(others.map(({ timings }) => timings));
  }
}

/** Finished jobs with prompts of 80 to 400 characters. @returns the service's id of one of them */
function writeRecords(folder: string): string {
  const jobs = join(folder, 'jobs');
  mkdirSync(jobs, { recursive: true });
  const owner = SELF;
  const first = Date.UTC(2026, 0, 1);
  for (let index = 0; index < RECORDS; index += 1) {
    const at = first + index * 60_000;
    const id = randomIds.jobId(at);
    const job: Job = {
      id,
      idempotencyKey: randomIds.idempotencyKey(),
      request: {
        prompt: 'A lighthouse on a cliff at dawn, soft warm light, wide angle, calm sea, watercolour. '.repeat(
          1 + (index % 5),
        ),
        width: 1024,
        height: 1024,
      },
      state: 'saved',
      createdAt: at,
      updatedAt: at + 20_000,
      owner,
      completedAt: at + 20_000,
      remoteId: remoteIdOf(index),
      remoteStatus: 'COMPLETED',
      credits: { min: 10, max: 20, exact: 15 },
      url: `https://cdn.doitong.com/${id}.jpg`,
      file: `/pictures/2026-01/a-lighthouse-on-a-cliff-at-dawn_${id}.jpg`,
      mediaType: 'image/jpeg',
      sandbox: false,
    };
    const part = join(jobs, id.slice(-1));
    mkdirSync(part, { recursive: true });
    // A record that came to its end in six changes.
    writeFileSync(versionFile(part, id, 6), storedText(job, [1, 2, 3, 4, 5, 6].map(String)));
  }
  return remoteIdOf(Math.floor(RECORDS / 2));
}

const remoteIdOf = (index: number): string => `img_${String(index).padStart(12, '0')}`;

async function readings(folder: string): Promise<Timings> {
  const remoteId = writeRecords(folder);
  const all: Timings = {};
  for (let reader = 0; reader < READERS; reader += 1) {
    const timings = await worker('reads', folder, remoteId);
    for (const [what, values] of Object.entries(timings)) all[what] = [...(all[what] ?? []), ...values];
  }
  return all;
}

const WRITES: readonly (readonly [string, string])[] = [
  ['picture', '**the whole bookkeeping of one picture**'],
  ['admit', 'an admission (`limits.admit`)'],
  ['add', 'a new record (`jobStore.add`)'],
  ['slot', 'a slot (`limits.slots`)'],
  ['permit', 'a permit (`limits.permit`)'],
  ['update', 'a change of a record (`jobStore.replace`)'],
  ['note', 'the note of a change to the limits (`limits.note`)'],
];

const READINGS: readonly (readonly [string, string])[] = [
  ['list, first', `**list of ${RECORDS.toLocaleString('en')} jobs, first of a process**`],
  ['list, processor', 'processor time of that, which other load on the machine changes less'],
  ['list, again', 'the list again'],
  ['find, first', "a job by the service's id, first time"],
  ['find, again', 'the same job again'],
];

const both = (values: readonly number[] = []): string[] => [
  milliseconds(median(values)),
  milliseconds(quantile(values, 0.99)),
];
const range = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)} ms`;

const root = mkdtempSync(join(tmpdir(), 'flux-bench-'));
try {
  const folder = (name: string): string => {
    const path = join(root, name);
    mkdirSync(path);
    return path;
  };
  const load = loadBefore();
  const { replacement = [] } = await worker('replacements', folder('probe'), String(PROBES));
  const alone = await worker('pictures', folder('alone'), String(PICTURES));
  const company = await inCompany(folder('company'));
  const read = await readings(folder('many'));

  const writes = [
    ['one durable replacement of a file, by itself', ...both(replacement), '', ''],
    ...WRITES.map(([what, words]) => [words, ...both(alone[what]), ...both(company[what])]),
  ];
  const reads = READINGS.map(([what, words]) => {
    const values = read[what] ?? [];
    return [words, milliseconds(median(values)), range(values)];
  });
  const statusPermits = (alone.permit?.length ?? 0) / PICTURES - 1;
  const method =
    'The program’s own records and limits from source, each scenario in a new folder; a durable write is forced ' +
    `to the disk, its folder too. One picture is: admit, add, slot, permit, sending, status received, ${statusPermits} permits ` +
    'for its status, completed, saved, with the notes to the limits; no service and no picture are in it. ' +
    `${PICTURES} pictures after 10 to warm up; in company, ${OTHERS} other processes do the same on the same records ` +
    'without a pause, which no plan would let them do. The time of day runs a hundred times faster meanwhile, so that ' +
    'the reservations remember as many orders as in use.';
  const readMethod =
    `${RECORDS.toLocaleString('en')} records of about a kilobyte, one file each, in the memory of the system since they ` +
    `were written just before; ${READERS} processes after each other, from the call to the sorted list, without the start ` +
    'of Node.';
  const writesTable = markdownTable(
    ['what', 'alone: median', 'alone: p99', `with ${OTHERS} others: median`, `with ${OTHERS} others: p99`],
    writes,
  );
  const readsTable = markdownTable(['what', 'median', 'range'], reads);
  const where = `Machine: ${machine()}; ${fileSystemOf(root)}; ${load}.`;
  console.log([where, writesTable, readsTable].join('\n\n'));
  recordIfAsked('records', [where, method, writesTable, readMethod, readsTable].join('\n\n'));
} finally {
  rmSync(root, { recursive: true, force: true });
}
