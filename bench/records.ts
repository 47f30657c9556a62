/** Measures what records, limits and budget on disk cost: for one picture, alone and in company, and among many. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Job } from '../src/core/job.ts';
import { randomIds, systemClock, thisProcess } from '../src/runtime/system.ts';
import { createFileJobStore } from '../src/storage/file-stores.ts';
import { createDiskFiles } from '../src/storage/file-system.ts';
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

const { values: asked } = parseArgs({
  options: {
    record: { type: 'boolean' },
    pictures: { type: 'string', default: '200' },
    records: { type: 'string', default: '100000' },
  },
});
const PICTURES = Number(asked.pictures);
const OTHERS = 3;
/** Of the worker. */
const WARM_UPS = 10;
const MANY = Number(asked.records);
const FEW = 100;
const DAYS = 100;
/** Processes with few and with many records in turn; each of them reads for the first time once. */
const READERS = 7;
/** Of each reader. */
const ORDERS = 30;

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

/** Finished jobs of the last hundred days, with prompts of 80 to 400 characters. @returns the service's id of one of them */
async function writeRecords(folder: string, count: number): Promise<string> {
  // What is measured only reads them: nothing has to be forced to the disk.
  const disk = createDiskFiles(systemClock);
  const files: typeof disk = {
    ...disk,
    create: (path, text) => disk.create(path, text, false),
    syncFolder: async () => undefined,
  };
  const log = { debug() {}, info() {}, warn: console.error, error: console.error };
  const store = createFileJobStore(folder, { clock: systemClock, log, files });
  const stepMs = (DAYS * 24 * 60 * 60_000) / count;
  const first = systemClock.now() - count * stepMs;
  for (let index = 0; index < count; index += 1) {
    const at = Math.floor(first + index * stepMs);
    const id = randomIds.jobIds(at)();
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
      owner: thisProcess(),
      acceptedAt: at + 1_000,
      completedAt: at + 20_000,
      savedAt: at + 20_000,
      remoteId: remoteIdOf(index),
      remoteStatus: 'COMPLETED',
      credits: { min: 10, max: 20, exact: 15 },
      url: `https://cdn.doitong.com/${id}.jpg`,
      file: `/pictures/2026-01/a-lighthouse-on-a-cliff-at-dawn_${id}.jpg`,
      mediaType: 'image/jpeg',
      sandbox: false,
    };
    await store.add(job);
  }
  // As each process does it on the way: days that are over are closed one by one.
  await store.open();
  return remoteIdOf(Math.floor(count / 2));
}

const remoteIdOf = (index: number): string => `img_${String(index).padStart(12, '0')}`;

/** Few and many records in turn, so that other load on the machine comes to both. */
async function fewAndMany(folders: { few: string; many: string }): Promise<{ few: Timings; many: Timings }> {
  const both = [
    { folder: folders.few, remoteId: await writeRecords(folders.few, FEW), all: {} as Timings },
    { folder: folders.many, remoteId: await writeRecords(folders.many, MANY), all: {} as Timings },
  ] as const;
  for (let reader = 0; reader < READERS; reader += 1) {
    for (const { folder, remoteId, all } of both) {
      const read = await worker('reads', folder, remoteId);
      rmSync(join(folder, 'shared'), { recursive: true, force: true });
      const ordered = await worker('orders', folder, String(ORDERS));
      for (const [what, values] of Object.entries({ ...read, ...ordered }))
        all[what] = [...(all[what] ?? []), ...values];
    }
  }
  return { few: both[0].all, many: both[1].all };
}

/** What a picture leaves on the disk. */
function leftBy(pictures: number, folder: string): { files: number; bytes: number } {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const found = paths.map(({ parentPath, name }) => statSync(join(parentPath, name)));
  // One that has several names is there once.
  const files = [...new Map(found.map((file) => [file.ino, file])).values()];
  return { files: files.length / pictures, bytes: files.reduce((sum, { size }) => sum + size, 0) / pictures };
}

/** As a process does it that is started days later. */
async function closeDays(folder: string): Promise<void> {
  const clock = { ...systemClock, now: () => systemClock.now() + DAYS * 24 * 60 * 60_000 };
  const log = { debug() {}, info() {}, warn: console.error, error: console.error };
  await createFileJobStore(folder, { clock, log }).open();
}

const WRITES: readonly (readonly [string, string])[] = [
  ['replacement', 'one durable replacement of a file, by itself, in turn with the pictures'],
  ['picture', '**the whole bookkeeping of one picture**'],
  ['admit', 'an admission (`limits.admit`)'],
  ['add', 'a new record (`jobStore.add`)'],
  ['slot', 'a slot (`limits.slots`)'],
  ['permit', 'a permit (`limits.permit`)'],
  ['update', 'a change of a record (`jobStore.replace`)'],
  ['note', 'the note of a change to the limits (`limits.note`)'],
];

/** What, the words for it, and how much more it may be with many records. */
const READINGS: readonly (readonly [string, string, string])[] = [
  ['page, first', '**the first page of a list (20 jobs), first of a process**', '5 times'],
  ['page, again', 'that page again', ''],
  ['find, first', "**a job by the service's id, first time**", '5 times'],
  ['find, again', 'the same job again', ''],
  ['find, unknown', "an id of the service's that no job has", ''],
  ['open, first', 'the jobs that are open, first time', ''],
  ['open, again', 'those again', ''],
  ['order', '**the whole bookkeeping of one picture**', '1.2 times'],
  ['rebuild', '**lost reservations, made again from the records**', '2 s in all'],
];

const medianAndHigh = (values: readonly number[] = []): string[] => [
  milliseconds(median(values)),
  milliseconds(quantile(values, 0.99)),
];
const root = mkdtempSync(join(tmpdir(), 'flux-bench-'));
try {
  const folder = (name: string): string => {
    const path = join(root, name);
    mkdirSync(path);
    return path;
  };
  const load = loadBefore();
  const alone = await worker('pictures', folder('alone'), String(PICTURES));
  const company = await inCompany(folder('company'));
  const left = leftBy(PICTURES + WARM_UPS, join(root, 'alone'));
  await closeDays(join(root, 'alone'));
  const leftLater = leftBy(PICTURES + WARM_UPS, join(root, 'alone'));
  const { few, many } = await fewAndMany({ few: folder('few'), many: folder('many') });

  const writes = [
    ...WRITES.map(([what, words]) => [words, ...medianAndHigh(alone[what]), ...medianAndHigh(company[what])]),
  ];
  const reads = READINGS.map(([what, words, bound]) => {
    const [withFew, withMany] = [median(few[what] ?? []), median(many[what] ?? [])];
    return [words, milliseconds(withFew), milliseconds(withMany), (withMany / withFew).toFixed(1), bound];
  });
  const [lean, large] = [median(few['page, memory'] ?? []), median(many['page, memory'] ?? [])];
  const mebibytes = (value: number): string => `${value.toFixed(0)} MiB`;
  reads.push(['the most memory until the first page was read', mebibytes(lean), mebibytes(large), '', '30 MiB more']);
  const link = median(alone.replacement ?? []);
  const multiple = (timings: Timings): string => (median(timings.picture ?? []) / link).toFixed(1);
  const mostTries = (timings: Timings): string => String(Math.max(...(timings.tries ?? [])));
  const counts = [
    ['durable changes a picture', ((alone.durable?.length ?? 0) / PICTURES).toFixed(1), '', '8'],
    ['bookkeeping, in durable replacements of a file', multiple(alone), multiple(company), '10 and 50'],
    ['most tries of a writer', mostTries(alone), mostTries(company), '8'],
    ['files that a picture leaves', left.files.toFixed(1), '', ''],
    ['files that are left of it once its day is over', leftLater.files.toFixed(1), '', ''],
    ['bytes in them', leftLater.bytes.toFixed(0), '', ''],
  ];
  const statusPermits = (alone.permit?.length ?? 0) / PICTURES - 1;
  const method =
    'The program’s own records and limits from source, each scenario in a new folder; a durable write is forced ' +
    `to the disk, its folder too. One picture is: admit, add, slot, permit, sending, status received, ${statusPermits} permits ` +
    'for its status, completed, saved, with the notes to the limits; no service and no picture are in it. ' +
    `${PICTURES} pictures after 10 to warm up; in company, ${OTHERS} other processes do the same on the same records ` +
    'without a pause, which no plan would let them do. The time of day runs a hundred times faster meanwhile, so that ' +
    'the reservations remember as many orders as in use.';
  const readMethod =
    `${MANY.toLocaleString('en')} records of about a kilobyte, of the last ${DAYS} days, next to ${FEW} of as many days; in ` +
    `the memory of the system since they were written just before. ${READERS} processes after each other for either, in ` +
    'turn, from the call to its result, without the start of Node; medians.';
  const writesTable = markdownTable(
    ['what', 'alone: median', 'alone: p99', `with ${OTHERS} others: median`, `with ${OTHERS} others: p99`],
    writes,
  );
  const countsTable = markdownTable(['what', 'alone', `with ${OTHERS} others`, 'at most'], counts);
  const withRecords = (count: number): string => `${count.toLocaleString('en')} records`;
  const readsTable = markdownTable(['what', withRecords(FEW), withRecords(MANY), 'times', 'at most'], reads);
  const where = `Machine: ${machine()}; ${fileSystemOf(root)}; ${load}.`;
  console.log([where, writesTable, countsTable, readsTable].join('\n\n'));
  recordIfAsked('records', [where, method, writesTable, countsTable, readMethod, readsTable].join('\n\n'));
} finally {
  rmSync(root, { recursive: true, force: true });
}
