/** One process of the measurement of records, which starts it: keeps the records of pictures, or reads all of them. */
import '../src/config/lean-zod.ts';
import { join } from 'node:path';
import type { Clock } from '../src/core/ports.ts';
import type { RemoteJob } from '../src/core/image-provider.ts';
import { dedupeKey } from '../src/core/image-request.ts';
import type { Job } from '../src/core/job.ts';
import type { JobStore } from '../src/core/job-store.ts';
import { NO_VERSION } from '../src/core/shared-value.ts';
import { JobRecords } from '../src/jobs/job-records.ts';
import { Limits } from '../src/limits/limits.ts';
import { randomIds, systemClock, SELF } from '../src/runtime/system.ts';
import { createFileJobStore, createFileValues } from '../src/storage/file-stores.ts';
import { createDiskFiles } from '../src/storage/file-system.ts';
import { VersionedFile } from '../src/storage/versioned-file.ts';

/** Milliseconds by what took them. */
export type Timings = Record<string, number[]>;

const STATUS_PERMITS = 5;
const WARM_UPS = 10;
const REPEATED_READS = 5;

/**
 * The time of day runs so much faster that pictures follow each other every few seconds, as they do in use: the
 * reservations then remember as many orders as they would. What is waited for and measured is real time.
 */
const PACE = 100;
const CLOCK: Clock = { ...systemClock, now: () => systemClock.now() * PACE };
/** As long as the limit of the plan lets everybody through: what is measured is the counting, not the waiting. */
const REQUEST_WINDOW = { windowMs: 50 * PACE, slackMs: 0 };

const complain = (message: string): void => console.error(message);
const LOG = { debug() {}, info() {}, warn: complain, error: complain };

async function timed<Value>(timings: Timings, what: string, work: () => Promise<Value>): Promise<Value> {
  const start = performance.now();
  const value = await work();
  const all = timings[what] ?? [];
  timings[what] = all;
  all.push(performance.now() - start);
  return value;
}

type TimedLimits = Pick<Limits, 'admit' | 'slot' | 'permit' | 'note'>;

/** The same records and limits as in the program, each call timed. */
function storesIn(folder: string, timings: Timings): { limits: TimedLimits; records: JobRecords } {
  const deps = { clock: CLOCK, log: LOG };
  const jobStore = createFileJobStore(folder, deps);
  const limits = new Limits(createFileValues(join(folder, 'shared'), deps), {
    ...deps,
    plan: 'pro',
    requestWindow: REQUEST_WINDOW,
    jobs: () => jobStore.list(),
  });
  const timedStore: JobStore = {
    ...jobStore,
    add: (job) => timed(timings, 'add', () => jobStore.add(job)),
    replace: (seen, job) => timed(timings, 'update', () => jobStore.replace(seen, job)),
  };
  const timedLimits: TimedLimits = {
    admit: (orders, spending) => timed(timings, 'admit', () => limits.admit(orders, spending)),
    slot: (id) => timed(timings, 'slot', () => limits.slot(id)),
    permit: () => timed(timings, 'permit', () => limits.permit()),
    note: (job) => timed(timings, 'note', () => limits.note(job)),
  };
  return { limits: timedLimits, records: new JobRecords(timedStore, timedLimits, CLOCK) };
}

/** Everything that is kept on disk from the call to the saved picture, without the service and the picture itself. */
async function keepRecords({ limits, records }: { limits: TimedLimits; records: JobRecords }): Promise<void> {
  const at = CLOCK.now();
  const id = randomIds.jobId(at);
  const owner = SELF;
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
  for (let picture = 0; count === 0 ? !left : picture < count; picture += 1) {
    await timed(timings, 'picture', () => keepRecords(stores));
  }
  process.stdin.pause();
  return timings;
}

/** What the disk itself takes for one record. */
async function replacements(folder: string, count: number): Promise<Timings> {
  const timings: Timings = {};
  const text = 'x'.repeat(800);
  const file = new VersionedFile(folder, 'probe', { files: createDiskFiles(systemClock), clock: systemClock });
  for (let write = 0; write < count; write += 1) {
    const version = { ...NO_VERSION, number: write };
    await timed(timings, 'replacement', () => file.replace(version, text, 'machine'));
  }
  return timings;
}

async function reads(folder: string, remoteId: string): Promise<Timings> {
  const timings: Timings = {};
  const jobStore = createFileJobStore(folder, { clock: systemClock, log: LOG });
  const before = process.cpuUsage();
  await timed(timings, 'list, first', () => jobStore.list());
  const { user, system } = process.cpuUsage(before);
  timings['list, processor'] = [(user + system) / 1_000];
  for (let again = 0; again < REPEATED_READS; again += 1) await timed(timings, 'list, again', () => jobStore.list());
  await timed(timings, 'find, first', () => jobStore.find(remoteId));
  for (let again = 0; again < REPEATED_READS; again += 1) {
    await timed(timings, 'find, again', () => jobStore.find(remoteId));
  }
  return timings;
}

const [mode, folder = '', detail = ''] = process.argv.slice(2);
const work: Readonly<Record<string, () => Promise<Timings>>> = {
  pictures: () => pictures(folder, Number(detail)),
  replacements: () => replacements(folder, Number(detail)),
  reads: () => reads(folder, detail),
};
const timings = await work[mode ?? '']?.();
process.stdout.write(`${JSON.stringify(timings)}\n`);
