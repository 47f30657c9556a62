/** Proves that processes share permits, slots, the budget and the pause, and what happens when these cannot be kept. */

import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { dedupeKey } from '../../../src/core/image-request.ts';
import type { Job } from '../../../src/core/job.ts';
import { Limits, type OrderToAdmit } from '../../../src/limits/limits.ts';
import type { Plan } from '../../../src/limits/plan.ts';
import type { RequestWindow } from '../../../src/limits/rate-state.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { sharedFolder } from '../../../src/storage/paths.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createMemoryLimits } from '../../support/memory-storage.ts';
import { admitOne } from '../../support/one-order.ts';
import { valueFile } from '../../support/state-files.ts';
import { wordsOf } from '../../support/words.ts';
import { owner, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const LIMITS = { creditsPerDay: 1_000, imagesPerDay: 100 };

let folder: string;
let records: Job[];
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-limits-'));
  records = [];
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Options = { plan?: Plan | 'auto'; clock?: typeof systemClock; requestWindow?: RequestWindow };

/** The limits of one process. */
function limitsOf({ plan = 'free', clock = systemClock, requestWindow }: Options = {}): Limits {
  const note = (message: string): void => void warnings.push(message);
  const log = { debug() {}, info() {}, warn: note, error: note };
  const values = createFileValues(sharedFolder(folder), { clock, log });
  return new Limits(values, { clock, plan, requestWindow, log, jobs: async () => records });
}

const NAMES = ['rate-state', 'reservations'] as const;
const order = (id: string, patch: Partial<OrderToAdmit> = {}): OrderToAdmit => ({
  id,
  at: Date.now(),
  owner: owner(1),
  maxCredits: 20,
  dedupeKey: id,
  allowDuplicate: false,
  ...patch,
});
const jobOf = (patch: Partial<Job>): Job => sampleJob({ createdAt: Date.now(), updatedAt: Date.now(), ...patch });
const totals = async (limits: Limits) => totalsOf((await limits.state()).reservations, Date.now());

async function failureOf(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FluxError);
  return (error as FluxError).failure;
}

describe('two processes on one folder', () => {
  it('share permits: together they give no more than the limit', async () => {
    const servers = [limitsOf(), limitsOf()];
    const answers = await Promise.all(Array.from({ length: 24 }, (_, n) => servers[n % 2]?.permit()));
    expect(answers.filter((answer) => answer?.granted)).toHaveLength(10);
    const refused = answers.find((answer) => answer?.granted === false);
    expect(refused).toMatchObject({ reported: false, until: expect.any(Number) });
  });

  it('share what the service reported', async () => {
    const pausedUntil = Date.now() + 50_000;
    await limitsOf().learn({
      window: { limit: 30, remaining: 7, resetsAt: Date.now() + 9_000 },
      pausedUntil,
      balance: 5,
    });
    expect(await limitsOf().permit()).toEqual({ granted: false, until: pausedUntil, reported: true });
    const { plan, requestLimit, rateState } = await limitsOf({ plan: 'auto' }).state();
    expect({ plan, requestLimit }).toEqual({ plan: 'starter', requestLimit: 30 });
    expect(rateState.window.remaining).toBe(7);
    expect(rateState.balance?.credits).toBe(5);
  });

  it('share the budget: of many orders at a time no more are admitted than it pays for', async () => {
    const servers = [limitsOf(), limitsOf(), limitsOf()];
    const orders = Array.from({ length: 20 }, (_, n) =>
      admitOne(servers[n % 3], order(`job_${n}`), { ...LIMITS, creditsPerDay: 109 }),
    );
    const decisions = await Promise.all(orders);
    expect(decisions.filter((decision) => decision?.type === 'admitted')).toHaveLength(5);
    expect(decisions.filter((decision) => decision?.type === 'exceeded')).toHaveLength(15);
    expect(await totals(limitsOf())).toMatchObject({ images: 5, reservedCredits: 100 });
  });

  it('share slots, in the order of the orders', async () => {
    const [one, two] = [limitsOf(), limitsOf()];
    await admitOne(one, order('job_1'), LIMITS);
    await admitOne(two, order('job_2', { owner: owner(2) }), LIMITS);
    expect(await one.slot('job_1')).toEqual({ taken: true });
    expect(await two.slot('job_2')).toEqual({ taken: false, ahead: 0, oldestAt: expect.any(Number) });
    await one.note(jobOf({ id: 'job_1', state: 'completed' }));
    expect(await two.slot('job_2')).toEqual({ taken: true });
    await two.releaseSlot('job_2');
    expect(await totals(one)).toMatchObject({ slotsInUse: 0, reservedCredits: 20 });
  });

  it('find open orders of each other that are equal', async () => {
    await admitOne(limitsOf(), order('job_1', { dedupeKey: 'a fox' }), LIMITS);
    expect((await admitOne(limitsOf(), order('job_2', { dedupeKey: 'a hare' }), LIMITS)).type).toBe('admitted');
    const again = await admitOne(limitsOf(), order('job_3', { dedupeKey: 'a fox' }), LIMITS);
    expect(again).toEqual({ type: 'duplicate', id: 'job_1' });
    await limitsOf().drop('job_1');
    expect((await admitOne(limitsOf(), order('job_3', { dedupeKey: 'a fox' }), LIMITS)).type).toBe('admitted');
  });

  it('of many equal orders at a time admit one', async () => {
    const servers = [limitsOf(), limitsOf(), limitsOf()];
    const decisions = await Promise.all(
      Array.from({ length: 9 }, (_, n) => admitOne(servers[n % 3], order(`job_${n}`, { dedupeKey: 'a fox' }), LIMITS)),
    );
    expect(decisions.filter((decision) => decision?.type === 'admitted')).toHaveLength(1);
    expect(decisions.filter((decision) => decision?.type === 'duplicate')).toHaveLength(8);
  });
});

describe('the plan', () => {
  it('bounds the jobs at a time and the jobs of a day', async () => {
    const limits = limitsOf({ plan: 'starter' });
    for (const n of [1, 2, 3, 4]) await admitOne(limits, order(`job_${n}`), LIMITS);
    for (const n of [1, 2, 3]) expect(await limits.slot(`job_${n}`)).toEqual({ taken: true });
    expect((await limits.slot('job_4')).taken).toBe(false);
  });

  it('follows the headers where none was set: from one job at a time to ten', async () => {
    const limits = limitsOf({ plan: 'auto' });
    for (const n of [1, 2]) await admitOne(limits, order(`job_${n}`), LIMITS);
    await limits.slot('job_1');
    expect((await limits.slot('job_2')).taken).toBe(false);
    await limits.learn({ window: { limit: 60 } });
    expect((await limits.slot('job_2')).taken).toBe(true);
  });

  it('of a free account ends the day after a hundred jobs, whatever the budget says', async () => {
    records = Array.from({ length: 100 }, (_, n) =>
      jobOf({ id: `job_${n}`, state: 'saved', request: { prompt: String(n), width: 512, height: 512 } }),
    );
    const decision = await admitOne(limitsOf(), order('job_x'), { creditsPerDay: null, imagesPerDay: null });
    expect(decision).toMatchObject({ type: 'exceeded', limit: 'jobsPerDay', allowed: 100 });
  });
});

describe('prices', () => {
  it('are settled as the records say, and a balance that an order refutes is forgotten', async () => {
    const limits = limitsOf();
    await admitOne(limits, order('job_1'), LIMITS);
    await limits.learn({ balance: 8 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const job = jobOf({ id: 'job_1', state: 'processing', credits: { min: 10, max: 20, exact: 12 } });
    await limits.note(job);
    expect(await totals(limits)).toMatchObject({ spentCredits: 12, reservedCredits: 0 });
    expect((await limits.state()).rateState.balance).toBeUndefined();
  });

  it('are given back for an order that cost nothing', async () => {
    const limits = limitsOf();
    await admitOne(limits, order('job_1'), LIMITS);
    await limits.slot('job_1');
    const failure = sampleFailure({ creditsSpent: 'no' });
    await limits.note(jobOf({ id: 'job_1', state: 'failed', failure }));
    expect(await totals(limits)).toEqual({ images: 0, spentCredits: 0, reservedCredits: 0, slotsInUse: 0 });
  });

  it('are reserved again before an order leaves whose reservation was lost', async () => {
    const limits = limitsOf();
    await admitOne(limits, order('job_1'), LIMITS);
    await limits.drop('job_1');
    await limits.note(jobOf({ id: 'job_1', state: 'submitting' }));
    expect(await totals(limits)).toMatchObject({ images: 1, reservedCredits: 20, slotsInUse: 1 });
    const same = order('job_2', { dedupeKey: dedupeKey(sampleJob().request) });
    expect(await admitOne(limits, same, LIMITS)).toEqual({ type: 'duplicate', id: 'job_1' });
  });
});

describe('the files', () => {
  const request = { prompt: 'a fox', width: 1024, height: 1024 } as const;

  it('hold no key and no prompt, are for the user alone, and are all that is there', async () => {
    const limits = limitsOf();
    await limits.permit();
    await admitOne(limits, order('job_1', { dedupeKey: dedupeKey(request) }), LIMITS);
    expect((await readdir(sharedFolder(folder))).toSorted()).toEqual(['rate-state.1.json', 'reservations.1.json']);
    expect(await readFile(valueFile(folder, 'reservations'), 'utf8')).not.toContain('fox');
  });

  it.each([
    ['deleted', undefined],
    ['empty', ''],
    ['half', '{"format":1,"value":{"days":{"20'],
    ['of another form', '{"format":1,"value":{"days":"today"}}'],
  ])('that are %s: the reservations are made from the records again', async (_, text) => {
    const limits = limitsOf();
    await admitOne(limits, order('job_x'), LIMITS);
    if (text === undefined) await rm(valueFile(folder, 'reservations'));
    else await writeFile(valueFile(folder, 'reservations'), text);
    records = [
      jobOf({ id: 'job_1', request, state: 'processing' }),
      jobOf({
        id: 'job_2',
        state: 'saved',
        completedAt: Date.now() - 300_000,
        credits: { min: 10, max: 20, exact: 15 },
      }),
    ];
    expect(await totals(limits)).toEqual({ images: 2, spentCredits: 15, reservedCredits: 20, slotsInUse: 1 });
    const same = order('job_3', { dedupeKey: dedupeKey(request) });
    expect(await admitOne(limits, same, LIMITS)).toEqual({ type: 'duplicate', id: 'job_1' });
    expect((await admitOne(limits, order('job_4'), { ...LIMITS, creditsPerDay: 54 })).type).toBe('exceeded');
    expect((await admitOne(limits, order('job_4'), { ...LIMITS, creditsPerDay: 55 })).type).toBe('admitted');
    expect(await totals(limitsOf())).toMatchObject({ images: 3, reservedCredits: 40 });
  });

  it('of a newer version are an error that sends nothing, and stay as they are', async () => {
    const limits = limitsOf();
    await limits.permit();
    await admitOne(limits, order('job_1'), LIMITS);
    for (const name of NAMES) {
      await writeFile(valueFile(folder, name), '{"format":2,"more":true}');
    }
    const works = [
      () => limits.permit(),
      () => admitOne(limits, order('job_2'), LIMITS),
      () => limits.slot('job_1'),
      () => limits.state(),
    ];
    for (const work of works)
      expect(await failureOf(work())).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
    await limits.note(jobOf({ id: 'job_1', state: 'saved' }));
    await limits.learn({ balance: 3 });
    await limits.drop('job_1');
    for (const name of NAMES) expect(await readFile(valueFile(folder, name), 'utf8')).toBe('{"format":2,"more":true}');
    expect(warnings.length).toBeGreaterThan(0);
  });
});

describe('a folder that cannot be written', () => {
  it('ends what needs it with storage_failed and no credits spent, and only warns for what follows', async () => {
    await writeFile(sharedFolder(folder), 'in the way');
    const limits = limitsOf();
    const works = [
      () => limits.permit(),
      () => admitOne(limits, order('job_1'), LIMITS),
      () => limits.slot('job_1'),
      () => limits.state(),
    ];
    for (const work of works)
      expect(await failureOf(work())).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
    await limits.note(jobOf({ id: 'job_1', state: 'completed' }));
    await limits.learn({ balance: 3 });
    await limits.releaseSlot('job_1');
    await limits.drop('job_1');
    expect(new Set(warnings)).toEqual(new Set(['the shared limits could not be brought up to date']));
  });

  // The superuser may write everywhere.
  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'for lack of rights is no different',
    async () => {
      await limitsOf().permit();
      await chmod(sharedFolder(folder), 0o500);
      const failure = await failureOf(limitsOf().permit());
      expect(failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
      expect(wordsOf(failure).next).toContain('FLUX_STATE_DIR');
      await chmod(sharedFolder(folder), 0o700);
    },
  );
});

describe('what is learnt', () => {
  it('is not written when it says what was counted already', async () => {
    const limits = limitsOf();
    const resetsAt = Date.now() + 30_000;
    await limits.learn({ window: { limit: 10, remaining: 8, resetsAt } });
    await limits.permit();
    const before = await readFile(valueFile(folder, 'rate-state'), 'utf8');
    await limits.learn({ window: { limit: 10, remaining: 7, resetsAt: resetsAt + 400 } });
    expect(await readFile(valueFile(folder, 'rate-state'), 'utf8')).toBe(before);
    await limits.learn({ window: { limit: 10, remaining: 5, resetsAt } });
    expect((await limits.state()).rateState.window.remaining).toBe(5);
  });
});

describe('limits in memory', () => {
  it('keeps the same rules for as long as the process lives', async () => {
    const clock = createManualClock();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const limits = createMemoryLimits({ clock, log, plan: 'free' });
    for (let n = 0; n < 10; n += 1) expect((await limits.permit()).granted).toBe(true);
    expect(await limits.permit()).toEqual({ granted: false, until: clock.now() + 61_000, reported: false });
    await clock.advance(61_000);
    expect((await limits.permit()).granted).toBe(true);
    const first = order('job_1', { at: clock.now() });
    expect((await admitOne(limits, first, LIMITS)).type).toBe('admitted');
    expect((await admitOne(limits, first, LIMITS)).type).toBe('duplicate');
  });

  it('counts in another window where a test compresses time', async () => {
    const clock = createManualClock();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const limits = createMemoryLimits({ clock, log, plan: 'free', requestWindow: { windowMs: 600, slackMs: 10 } });
    for (let n = 0; n < 10; n += 1) await limits.permit();
    expect(await limits.permit()).toMatchObject({ until: clock.now() + 610 });
  });
});
