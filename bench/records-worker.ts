/** One process of the measurement of records, which starts it: keeps the records of pictures, or finds them among many. */
import '../src/config/lean-zod.ts';
import * as z from 'zod';
import { join } from 'node:path';
import type { Clock } from '../src/core/ports.ts';
import type { RemoteJob } from '../src/core/image-provider.ts';
import { dedupeKey } from '../src/core/image-request.ts';
import type { Job } from '../src/core/job.ts';
import { type JobStore, openAndRecentJobs } from '../src/core/job-store.ts';
import { NO_VERSION, type Replacement, type SharedValues } from '../src/core/shared-value.ts';
import { JobRecords } from '../src/jobs/job-records.ts';
import { Limits } from '../src/limits/limits.ts';
import { randomIds, systemClock, thisProcess } from '../src/runtime/system.ts';
import { createFileJobStore, createFileValues } from '../src/storage/file-stores.ts';
import { createDiskFiles } from '../src/storage/file-system.ts';
import { VersionedFile } from '../src/storage/versioned-file.ts';

/** Milliseconds by what took them, and counts of tries, durable changes and MiB by what is counted. */
export type Timings = Record<string, number[]>;

const STATUS_PERMITS = 5;
const WARM_UPS = 10;
const REPEATED_READS = 5;
/** As `list_jobs` reads it. */
const PAGE = 20;
const MIB = 1024 ** 2;

/**
 * The time of day runs so much faster that pictures follow each other every few seconds, as they do in use: the
 * reservations then remember as many orders as they would. What is waited for and measured is real time.
 */
const PACE = 100;
const STARTED_AT = systemClock.now();
const CLOCK: Clock = { ...systemClock, now: () => STARTED_AT + (systemClock.now() - STARTED_AT) * PACE };
/** As long as the limit of the plan lets everybody through: what is measured is the counting, not the waiting. */
const REQUEST_WINDOW = { windowMs: 50 * PACE, slackMs: 0 };

const complain = (message: string): void => console.error(message);
const LOG = { debug() {}, info() {}, warn: complain, error: complain };

function count(timings: Timings, what: string, value: number): void {
  const all = timings[what] ?? [];
  timings[what] = all;
  all.push(value);
}

async function timed<Value>(timings: Timings, what: string, work: () => Promise<Value>): Promise<Value> {
  const start = performance.now();
  const value = await work();
  count(timings, what, performance.now() - start);
  return value;
}

/** Counts tries by value or record: changes of one process take turns. */
function triesIn(timings: Timings): (of: string, replacement: Replacement) => Replacement {
  const lost = new Map<string, number>();
  return (of, replacement) => {
    const tries = (lost.get(of) ?? 0) + 1;
    if (replacement === 'done') {
      count(timings, 'tries', tries);
      lost.delete(of);
    } else lost.set(of, tries);
    return replacement;
  };
}

type TimedLimits = Pick<Limits, 'admit' | 'slot' | 'permit' | 'note' | 'state'>;

/** The same records and limits as in the program, each call timed. */
function storesIn(folder: string, timings: Timings): { limits: TimedLimits; records: JobRecords } {
  const deps = { clock: CLOCK, log: LOG };
  const jobStore = createFileJobStore(folder, deps);
  const tried = triesIn(timings);
  const durable = (): void => count(timings, 'durable', 1);
  const limits = new Limits(countedValues(folder, { tried, durable }), {
    ...deps,
    plan: 'pro',
    requestWindow: REQUEST_WINDOW,
    jobs: (since) => openAndRecentJobs(jobStore, since),
  });
  const timedStore: JobStore = {
    ...jobStore,
    async add(job) {
      durable();
      await timed(timings, 'add', () => jobStore.add(job));
    },
    async replace(seen, job) {
      durable();
      return tried(job.id, await timed(timings, 'update', () => jobStore.replace(seen, job)));
    },
  };
  const timedLimits: TimedLimits = {
    admit: (orders, spending) => timed(timings, 'admit', () => limits.admit(orders, spending)),
    slot: (id) => timed(timings, 'slot', () => limits.slot(id)),
    permit: () => timed(timings, 'permit', () => limits.permit()),
    note: (job) => timed(timings, 'note', () => limits.note(job)),
    state: () => limits.state(),
  };
  return { limits: timedLimits, records: new JobRecords(timedStore, timedLimits, CLOCK) };
}

function countedValues(
  folder: string,
  { tried, durable }: { tried: (of: string, replacement: Replacement) => Replacement; durable: () => void },
): SharedValues {
  const values = createFileValues(join(folder, 'shared'), { clock: CLOCK, log: LOG });
  return {
    location: values.location,
    open(spec) {
      const value = values.open(spec);
      return {
        ...value,
        async replace(version, next, durability) {
          if (durability === 'machine') durable();
          return tried(spec.name, await value.replace(version, next, durability));
        },
      };
    },
  };
}

/** Everything that is kept on disk from the call to the saved picture, without the service and the picture itself. */
async function keepRecords({ limits, records }: { limits: TimedLimits; records: JobRecords }): Promise<void> {
  const at = CLOCK.now();
  const id = randomIds.jobIds(at)();
  const owner = thisProcess();
  const request: Job['request'] = { prompt: `A lighthouse at dawn, watercolour, ${id}`, width: 1024, height: 1024 };
  const order = { id, at, owner, maxCredits: 20, dedupeKey: dedupeKey(request), allowDuplicate: false };
  const { type } = await limits.admit([order], { creditsPerDay: null, imagesPerDay: null });
  if (type !== 'taken') throw new Error(`the order was not admitted: ${type}`);
  await records.add({
    id,
    idempotencyKey: randomIds.idempotencyKey(),
    request,
    state: 'queued',
    createdAt: at,
    updatedAt: at,
    owner,
    credits: { min: 10, max: 20, exact: null },
    sandbox: false,
  });
  if (!(await limits.slot(id)).taken) throw new Error('there was no slot');
  await permit(limits);
  await records.apply(id, { type: 'sending', owner });
  const remote: RemoteJob = { remoteId: `img_${id}`, phase: 'processing', remoteStatus: 'PROCESSING', creditCost: 15 };
  await records.apply(id, { type: 'status_received', remote, at });
  for (let check = 1; check <= STATUS_PERMITS; check += 1) await permit(limits);
  const url = `https://cdn.doitong.com/${id}.jpg`;
  await records.apply(id, { type: 'status_received', remote: { ...remote, phase: 'completed', url }, at });
  await records.apply(id, { type: 'saved', file: `/pictures/a-lighthouse_${id}.jpg`, mediaType: 'image/jpeg', at: 0 });
}

async function permit(limits: TimedLimits): Promise<void> {
  if (!(await limits.permit()).granted) throw new Error('the window is too small for this machine');
}

/** @param count pictures; 0 goes on until nobody listens any more */
async function pictures(folder: string, count: number): Promise<Timings> {
  let left = false;
  process.stdin.on('end', () => {
    left = true;
  });
  // Also keeps the process alive: the clock's pending sleeps do not.
  process.stdin.resume();
  const warmUp = storesIn(folder, {});
  for (let picture = 0; picture < WARM_UPS; picture += 1) await keepRecords(warmUp);
  process.stdout.write('ready\n');
  const timings: Timings = {};
  const stores = storesIn(folder, timings);
  const replace = replacementsIn(folder);
  for (let picture = 0; count === 0 ? !left : picture < count; picture += 1) {
    // In turn with the pictures: how fast the disk is changes within a minute, also by what was removed before.
    if (count > 0) await timed(timings, 'replacement', replace);
    await timed(timings, 'picture', () => keepRecords(stores));
  }
  process.stdin.pause();
  return timings;
}

/** What the disk itself takes for one record: a change of a value that nobody else changes. */
function replacementsIn(folder: string): () => Promise<void> {
  const text = 'x'.repeat(800);
  const deps = { files: createDiskFiles(systemClock), clock: systemClock };
  const file = new VersionedFile(join(folder, `probe-${process.pid}`), 'probe', z.string(), deps);
  let version = NO_VERSION;
  return async () => {
    version = (await file.replace(version, text, 'machine')) ?? version;
  };
}

/** What grows with the number of records, if anything does; each first time is of a process of its own. */
async function reads(folder: string, remoteId: string): Promise<Timings> {
  const timings: Timings = {};
  const jobStore = createFileJobStore(folder, { clock: systemClock, log: LOG });
  const page = async (): Promise<void> => {
    let left = PAGE;
    for await (const _ of jobStore.newest()) {
      left -= 1;
      if (left === 0) return;
    }
  };
  await timed(timings, 'page, first', page);
  count(timings, 'page, memory', (process.resourceUsage().maxRSS * 1024) / MIB);
  for (let again = 0; again < REPEATED_READS; again += 1) await timed(timings, 'page, again', page);
  await timed(timings, 'find, first', () => jobStore.find(remoteId));
  for (let again = 0; again < REPEATED_READS; again += 1) {
    await timed(timings, 'find, again', () => jobStore.find(remoteId));
  }
  await timed(timings, 'find, unknown', () => jobStore.find('img_of_nobody'));
  await timed(timings, 'open, first', () => jobStore.open());
  for (let again = 0; again < REPEATED_READS; again += 1) await timed(timings, 'open, again', () => jobStore.open());
  return timings;
}

/** The reservations as they follow from the records, and then orders next to these. */
async function orders(folder: string, count: number): Promise<Timings> {
  const timings: Timings = {};
  const keepAlive = setInterval(() => undefined, 1_000);
  await timed(timings, 'rebuild', () => storesIn(folder, {}).limits.state());
  const stores = storesIn(folder, {});
  for (let order = 0; order < WARM_UPS; order += 1) await keepRecords(stores);
  for (let order = 0; order < count; order += 1) await timed(timings, 'order', () => keepRecords(stores));
  clearInterval(keepAlive);
  return timings;
}

const [mode, folder = '', detail = ''] = process.argv.slice(2);
const work: Readonly<Record<string, () => Promise<Timings>>> = {
  pictures: () => pictures(folder, Number(detail)),
  reads: () => reads(folder, detail),
  orders: () => orders(folder, Number(detail)),
};
const timings = await work[mode ?? '']?.();
process.stdout.write(`${JSON.stringify(timings)}\n`);
