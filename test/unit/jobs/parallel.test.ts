/** Proves on a real disk that processes which order at the same time keep the budget, the slots and one order for equal requests. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Limits } from '../../../src/limits/limits.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { createJobEvents } from '../../../src/polling/event-markers.ts';
import { randomIds } from '../../../src/runtime/system.ts';
import { createFileJobStore, createFileValues } from '../../../src/storage/file-stores.ts';
import { createDrivenClock, type DrivenClock } from '../../support/driven-clock.ts';
import { remoteJob } from '../core/sample-jobs.ts';
import { openAndRecentJobs } from '../../../src/core/job-store.ts';
import { type OneProcess, REQUEST, type Shared, startProcess } from './fakes.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

let folder: string;
let clock: DrivenClock;
let started: (Shared & OneProcess)[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-parallel-'));
  clock = createDrivenClock();
  clock.keepPassing();
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map(({ jobs }) => jobs.close()));
  clock.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Each with its own view of the folder, like programs of their own. */
function processes(count: number, settings: Parameters<typeof startProcess>[2] = {}): (Shared & OneProcess)[] {
  const living = new Set<number>();
  for (let pid = 1; pid <= count; pid += 1) {
    const jobStore = createFileJobStore(folder, { clock, log });
    const values = createFileValues(join(folder, 'shared'), { clock, log });
    const limits = new Limits(values, { clock, log, plan: 'pro', jobs: (since) => openAndRecentJobs(jobStore, since) });
    const events = createJobEvents(values, { clock, log });
    started.push(startProcess(pid, { clock, limits, jobStore, events, living, ids: randomIds }, settings));
  }
  return started;
}

const sent = (): string[] => started.flatMap(({ provider }) => provider.submitted.map(({ key }) => key));
async function totals() {
  const { reservations } = (await started[0]?.limits.state()) ?? {};
  return reservations === undefined ? undefined : totalsOf(reservations, clock.now());
}

describe('three processes that order twenty-one pictures at the same time', () => {
  const orders = () =>
    Promise.allSettled(
      Array.from({ length: 21 }, (_, n) => started[n % 3]?.order({ ...REQUEST, prompt: `fox number ${n}` })),
    );

  it('order no more than the budget for five pays for', async () => {
    for (const { provider } of processes(3, { maxCreditsPerDay: 100 })) provider.submissions = ['stall'];
    const done = await orders();
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    while (sent().length < 5) await clock.sleep(200);
    await clock.sleep(2_000);
    expect(new Set(sent()).size).toBe(5);
    expect(sent()).toHaveLength(5);
    expect(await totals()).toMatchObject({ images: 5, reservedCredits: 100, slotsInUse: 5 });
  });

  it('get all of them, never more than ten at a time', async () => {
    let most = 0;
    for (const { provider, limits } of processes(3)) {
      provider.readings = [remoteJob('completed', { creditCost: 11 })];
      provider.onSending = () =>
        void limits.state().then(({ reservations }) => {
          most = Math.max(most, totalsOf(reservations, clock.now()).slotsInUse);
        });
    }
    const done = await orders();
    const ids = done.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value.job.id] : []));
    expect(ids).toHaveLength(21);
    const waits = ids.map((id, n) => started[n % 3]?.jobs.waitFor(id, { waitMs: 300_000 }));
    expect((await Promise.all(waits)).map((job) => job?.state)).toEqual(ids.map(() => 'saved'));
    expect(sent()).toHaveLength(21);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(10);
    expect(await totals()).toEqual({ images: 21, spentCredits: 231, reservedCredits: 0, slotsInUse: 0 });
  });

  it('and all want the same send one order, and all see its picture', async () => {
    processes(3);
    const orders = Array.from({ length: 12 }, (_, n) => started[n % 3]?.order(REQUEST));
    const answers = await Promise.all(orders);
    expect(new Set(answers.map((answer) => answer?.job.id)).size).toBe(1);
    expect(answers.filter((answer) => answer?.duplicate === false)).toHaveLength(1);
    const waits = answers.map((answer, n) => started[n % 3]?.jobs.waitFor(answer?.job.id ?? '', { waitMs: 300_000 }));
    expect((await Promise.all(waits)).map((job) => job?.state)).toEqual(answers.map(() => 'saved'));
    expect(sent()).toHaveLength(1);
  });
});

it('nothing is left next to the records and the shared values', async () => {
  const [one] = processes(1);
  const order = await one?.order(REQUEST);
  await one?.jobs.waitFor(order?.job.id ?? '', { waitMs: 60_000 });
  await one?.jobs.close();
  expect((await readdir(folder)).toSorted()).toEqual(['hints', 'jobs', 'shared']);
  const withoutNumbers = async (path: string): Promise<string[]> =>
    [...new Set((await readdir(path)).map((name) => name.replace(/\.\d+\.json$/u, '')))].toSorted();
  expect(await withoutNumbers(join(folder, 'shared'))).toEqual(['rate-state', 'reservations']);
  const id = order?.job.id ?? '';
  const day = new Date(order?.job.createdAt ?? 0).toISOString().slice(0, 10);
  expect(await readdir(join(folder, 'jobs'))).toEqual([day]);
  const names = await withoutNumbers(join(folder, 'jobs', day));
  expect(names).toEqual([expect.stringMatching(new RegExp(`^${id}\\.[0-9a-f]{16}$`, 'u'))]);
});
