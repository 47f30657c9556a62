/** Proves that processes share permits, places, the budget and the pause, and what happens when these cannot be kept. */

import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { dedupeKey } from '../../../src/core/image-request.ts';
import type { Job } from '../../../src/core/job.ts';
import type { Limits, OrderToAdmit } from '../../../src/limits/limits.ts';
import type { Plan } from '../../../src/limits/plan.ts';
import type { RequestWindow } from '../../../src/limits/rate-state.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { createFileLimits, createMemoryLimits } from '../../../src/storage/shared-limits.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { admitOne, orderOne } from '../../support/one-order.ts';
import { owner, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const LIMITS = { creditsPerDay: 1_000, imagesPerDay: 100 };

let folder: string;
let records: Job[];
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-gate-'));
  records = [];
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Options = { plan?: Plan | 'auto'; clock?: typeof systemClock; requestWindow?: RequestWindow };

/** The gate of one process. */
function limitsOf(pid: number, { plan = 'free', clock = systemClock, requestWindow }: Options = {}): Limits {
  const note = (message: string): void => void warnings.push(message);
  return createFileLimits(folder, {
    clock,
    plan,
    requestWindow,
    log: { debug() {}, info() {}, warn: note, error: note },
    processes: { self: () => owner(pid), isAlive: ({ pid: other }) => other < 10 },
    jobs: async () => records,
  });
}

const fileOf = (name: 'account' | 'traffic'): string => join(folder, 'gate', `${name}.json`);
const order = (id: string, patch: Partial<OrderToAdmit> = {}): OrderToAdmit => ({
  id,
  owner: owner(1),
  maxCredits: 20,
  dedupeKey: id,
  allowDuplicate: false,
  ...patch,
});
const jobOf = (patch: Partial<Job>): Job => sampleJob({ createdAt: Date.now(), updatedAt: Date.now(), ...patch });
const totals = async (limits: Limits) => totalsOf((await limits.state()).reservations);

async function failureOf(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FluxError);
  return (error as FluxError).failure;
}

describe('two gates on one folder', () => {
  it('share permits: together they give no more than the limit', async () => {
    const servers = [limitsOf(1), limitsOf(2)];
    const answers = await Promise.all(Array.from({ length: 24 }, (_, n) => servers[n % 2]?.permit()));
    expect(answers.filter((answer) => answer?.granted)).toHaveLength(10);
    const refused = answers.find((answer) => answer?.granted === false);
    expect(refused).toMatchObject({ reported: false, until: expect.any(Number) });
  });

  it('share what the service told', async () => {
    const pausedUntil = Date.now() + 50_000;
    await limitsOf(1).learn({
      window: { limit: 30, remaining: 7, resetsAt: Date.now() + 9_000 },
      pausedUntil,
      balance: 5,
    });
    expect(await limitsOf(2).permit()).toEqual({ granted: false, until: pausedUntil, reported: true });
    const { plan, requestLimit, rateState } = await limitsOf(2, { plan: 'auto' }).state();
    expect({ plan, requestLimit }).toEqual({ plan: 'starter', requestLimit: 30 });
    expect(rateState.window.remaining).toBe(7);
    expect(rateState.balance?.credits).toBe(5);
  });

  it('share the budget: of many orders at a time no more are admitted than it pays for', async () => {
    const servers = [limitsOf(1), limitsOf(2), limitsOf(3)];
    const orders = Array.from({ length: 20 }, (_, n) =>
      admitOne(servers[n % 3], order(`job_${n}`), { ...LIMITS, creditsPerDay: 109 }),
    );
    const decisions = await Promise.all(orders);
    expect(decisions.filter((decision) => decision?.type === 'admitted')).toHaveLength(5);
    expect(decisions.filter((decision) => decision?.type === 'exceeded')).toHaveLength(15);
    expect(await totals(limitsOf(4))).toMatchObject({ images: 5, reservedCredits: 100 });
  });

  it('share places, in the order of the orders', async () => {
    const [one, two] = [limitsOf(1), limitsOf(2)];
    await admitOne(one, order('job_1'), LIMITS);
    await admitOne(two, order('job_2', { owner: owner(2) }), LIMITS);
    expect(await orderOne(one, 'job_1')).toEqual({ taken: true });
    expect(await orderOne(two, 'job_2')).toEqual({ taken: false, ahead: 0, oldestAt: expect.any(Number) });
    await one.note(jobOf({ id: 'job_1', state: 'completed' }));
    expect(await orderOne(two, 'job_2')).toEqual({ taken: true });
    await two.releaseSlot('job_2');
    expect(await totals(one)).toMatchObject({ slotsInUse: 0, reservedCredits: 20 });
  });

  it('find equal orders of each other', async () => {
    await admitOne(limitsOf(1), order('job_1', { dedupeKey: 'a fox' }), LIMITS);
    expect(await limitsOf(2).duplicateOf('a fox')).toBe('job_1');
    expect(await limitsOf(2).duplicateOf('a hare')).toBeUndefined();
    const again = await admitOne(limitsOf(2), order('job_2', { dedupeKey: 'a fox' }), LIMITS);
    expect(again).toEqual({ type: 'duplicate', id: 'job_1' });
    await limitsOf(2).drop('job_1');
    expect(await limitsOf(1).duplicateOf('a fox')).toBeUndefined();
  });

  it('of many equal orders at a time admit one', async () => {
    const servers = [limitsOf(1), limitsOf(2), limitsOf(3)];
    const decisions = await Promise.all(
      Array.from({ length: 9 }, (_, n) => admitOne(servers[n % 3], order(`job_${n}`, { dedupeKey: 'a fox' }), LIMITS)),
    );
    expect(decisions.filter((decision) => decision?.type === 'admitted')).toHaveLength(1);
    expect(decisions.filter((decision) => decision?.type === 'duplicate')).toHaveLength(8);
  });
});

describe('the plan', () => {
  it('bounds the jobs at a time and the jobs of a day', async () => {
    const limits = limitsOf(1, { plan: 'starter' });
    for (const n of [1, 2, 3, 4]) await admitOne(limits, order(`job_${n}`), LIMITS);
    for (const n of [1, 2, 3]) expect(await orderOne(limits, `job_${n}`)).toEqual({ taken: true });
    expect((await orderOne(limits, 'job_4')).taken).toBe(false);
  });

  it('follows the headers where none was set: from one job at a time to ten', async () => {
    const limits = limitsOf(1, { plan: 'auto' });
    for (const n of [1, 2]) await admitOne(limits, order(`job_${n}`), LIMITS);
    await orderOne(limits, 'job_1');
    expect((await orderOne(limits, 'job_2')).taken).toBe(false);
    await limits.learn({ window: { limit: 60 } });
    expect((await orderOne(limits, 'job_2')).taken).toBe(true);
  });

  it('of a free account ends the day after a hundred jobs, whatever the budget says', async () => {
    records = Array.from({ length: 100 }, (_, n) =>
      jobOf({ id: `job_${n}`, state: 'saved', request: { prompt: String(n), width: 512, height: 512 } }),
    );
    const decision = await admitOne(limitsOf(1), order('job_x'), { creditsPerDay: null, imagesPerDay: null });
    expect(decision).toMatchObject({ type: 'exceeded', limit: 'jobsPerDay', allowed: 100 });
  });
});

describe('prices', () => {
  it('are settled as the records say, and a balance that an order refutes is forgotten', async () => {
    const limits = limitsOf(1);
    await admitOne(limits, order('job_1'), LIMITS);
    await limits.learn({ balance: 8 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const job = jobOf({ id: 'job_1', state: 'processing', credits: { min: 10, max: 20, exact: 12 } });
    await limits.note(job);
    expect(await totals(limits)).toMatchObject({ spentCredits: 12, reservedCredits: 0 });
    expect((await limits.state()).rateState.balance).toBeUndefined();
  });

  it('are given back for an order that cost nothing', async () => {
    const limits = limitsOf(1);
    await admitOne(limits, order('job_1'), LIMITS);
    await orderOne(limits, 'job_1');
    const failure = sampleFailure({ creditsSpent: 'no' });
    await limits.note(jobOf({ id: 'job_1', state: 'failed', failure }));
    expect(await totals(limits)).toEqual({ images: 0, spentCredits: 0, reservedCredits: 0, slotsInUse: 0 });
  });

  it('are reserved again before an order leaves whose reservation was lost', async () => {
    const limits = limitsOf(1);
    await admitOne(limits, order('job_1'), LIMITS);
    await limits.drop('job_1');
    await limits.note(jobOf({ id: 'job_1', state: 'submitting' }));
    expect(await totals(limits)).toMatchObject({ images: 1, reservedCredits: 20, slotsInUse: 1 });
    expect(await limits.duplicateOf(dedupeKey(sampleJob().request))).toBe('job_1');
  });
});

describe('the files', () => {
  const request = { prompt: 'a fox', width: 1024, height: 1024 } as const;

  it('hold no key and no prompt, are for the user alone, and are all that is there', async () => {
    const limits = limitsOf(1);
    await limits.permit();
    await admitOne(limits, order('job_1', { dedupeKey: dedupeKey(request) }), LIMITS);
    expect((await readdir(join(folder, 'gate'))).toSorted()).toEqual(['account.json', 'marks', 'traffic.json']);
    expect(await readFile(fileOf('account'), 'utf8')).not.toContain('fox');
  });

  it.each([
    ['deleted', undefined],
    ['empty', ''],
    ['half', '{"schema":1,"account":{"day":20'],
    ['of another form', '{"schema":1,"account":{"day":"today"}}'],
  ])('that are %s: the account is told by the records again', async (_, text) => {
    const limits = limitsOf(1);
    await admitOne(limits, order('job_x'), LIMITS);
    if (text === undefined) await rm(fileOf('account'));
    else await writeFile(fileOf('account'), text);
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
    expect(await totals(limitsOf(2))).toMatchObject({ images: 3, reservedCredits: 40 });
  });

  it('of a newer version are an error that sends nothing, and stay as they are', async () => {
    const limits = limitsOf(1);
    await limits.permit();
    await admitOne(limits, order('job_1'), LIMITS);
    for (const name of ['account', 'traffic'] as const) {
      await writeFile(fileOf(name), '{"schema":2,"more":true}');
    }
    const works = [
      () => limits.permit(),
      () => admitOne(limits, order('job_2'), LIMITS),
      () => orderOne(limits, 'job_1'),
      () => limits.state(),
    ];
    for (const work of works)
      expect(await failureOf(work())).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
    await limits.note(jobOf({ id: 'job_1', state: 'saved' }));
    await limits.learn({ balance: 3 });
    await limits.drop('job_1');
    for (const name of ['account', 'traffic'] as const)
      expect(await readFile(fileOf(name), 'utf8')).toBe('{"schema":2,"more":true}');
    expect(warnings.length).toBeGreaterThan(0);
  });
});

describe('a folder that cannot be written', () => {
  it('ends what needs it with storage_failed and no credits spent, and only warns for what follows', async () => {
    await writeFile(join(folder, 'gate'), 'in the way');
    const limits = limitsOf(1);
    const works = [
      () => limits.permit(),
      () => admitOne(limits, order('job_1'), LIMITS),
      () => orderOne(limits, 'job_1'),
      () => limits.duplicateOf('a'),
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
      await limitsOf(1).permit();
      await chmod(join(folder, 'gate'), 0o500);
      const failure = await failureOf(limitsOf(1).permit());
      expect(failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
      expect(failure.remedy).toContain('FLUX_STATE_DIR');
      await chmod(join(folder, 'gate'), 0o700);
    },
  );
});

describe('what is learnt', () => {
  it('is not written when it says what was counted already', async () => {
    const limits = limitsOf(1);
    const resetsAt = Date.now() + 30_000;
    await limits.learn({ window: { limit: 10, remaining: 8, resetsAt } });
    await limits.permit();
    const before = await readFile(fileOf('traffic'), 'utf8');
    await limits.learn({ window: { limit: 10, remaining: 7, resetsAt: resetsAt + 400 } });
    expect(await readFile(fileOf('traffic'), 'utf8')).toBe(before);
    await limits.learn({ window: { limit: 10, remaining: 5, resetsAt } });
    expect((await limits.state()).rateState.window.remaining).toBe(5);
  });
});

describe('the gate in memory', () => {
  it('keeps the same rules for as long as the process lives', async () => {
    const clock = createManualClock();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const limits = createMemoryLimits({ clock, log, plan: 'free' });
    for (let n = 0; n < 10; n += 1) expect((await limits.permit()).granted).toBe(true);
    expect(await limits.permit()).toEqual({ granted: false, until: clock.now() + 61_000, reported: false });
    await clock.advance(61_000);
    expect((await limits.permit()).granted).toBe(true);
    expect((await admitOne(limits, order('job_1'), LIMITS)).type).toBe('admitted');
    expect((await admitOne(limits, order('job_1'), LIMITS)).type).toBe('duplicate');
  });

  it('counts in another window where a test compresses time', async () => {
    const clock = createManualClock();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const limits = createMemoryLimits({ clock, log, plan: 'free', requestWindow: { windowMs: 600, slackMs: 10 } });
    for (let n = 0; n < 10; n += 1) await limits.permit();
    expect(await limits.permit()).toMatchObject({ until: clock.now() + 610 });
  });
});
