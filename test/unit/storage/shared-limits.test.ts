/** Proves that processes share permits, places, the budget and the pause, and what happens when these cannot be kept. */
import { admitOne, placeOne } from '../../support/one-order.ts';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { FluxError } from '../../../src/core/failure.ts';
import type { Gate, OrderToAdmit } from '../../../src/limits/limits.ts';
import { sameAs } from '../../../src/core/image-request.ts';
import type { Job } from '../../../src/core/job.ts';
import type { Plan } from '../../../src/limits/plan.ts';
import type { RequestWindow } from '../../../src/limits/rate-state.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { createFileGate, createMemoryGate } from '../../../src/storage/shared-limits.ts';
import { createManualClock } from '../../support/manual-clock.ts';
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
function gateOf(pid: number, { plan = 'free', clock = systemClock, requestWindow }: Options = {}): Gate {
  const note = (message: string): void => void warnings.push(message);
  return createFileGate(folder, {
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
  sameAs: id,
  allowDuplicate: false,
  ...patch,
});
const jobOf = (patch: Partial<Job>): Job => sampleJob({ createdAt: Date.now(), updatedAt: Date.now(), ...patch });
const totals = async (gate: Gate) => totalsOf((await gate.state()).account);

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
    const gates = [gateOf(1), gateOf(2)];
    const answers = await Promise.all(Array.from({ length: 24 }, (_, n) => gates[n % 2]?.permit()));
    expect(answers.filter((answer) => answer?.granted)).toHaveLength(10);
    const refused = answers.find((answer) => answer?.granted === false);
    expect(refused).toMatchObject({ told: false, until: expect.any(Number) });
  });

  it('share what the service told', async () => {
    const pausedUntil = Date.now() + 50_000;
    await gateOf(1).learn({
      window: { limit: 30, remaining: 7, resetsAt: Date.now() + 9_000 },
      pausedUntil,
      balance: 5,
    });
    expect(await gateOf(2).permit()).toEqual({ granted: false, until: pausedUntil, told: true });
    const { plan, requestLimit, traffic } = await gateOf(2, { plan: 'auto' }).state();
    expect({ plan, requestLimit }).toEqual({ plan: 'starter', requestLimit: 30 });
    expect(traffic.window.remaining).toBe(7);
    expect(traffic.balance?.credits).toBe(5);
  });

  it('share the budget: of many orders at a time no more are admitted than it pays for', async () => {
    const gates = [gateOf(1), gateOf(2), gateOf(3)];
    const orders = Array.from({ length: 20 }, (_, n) =>
      admitOne(gates[n % 3], order(`job_${n}`), { ...LIMITS, creditsPerDay: 109 }),
    );
    const verdicts = await Promise.all(orders);
    expect(verdicts.filter((verdict) => verdict?.type === 'admitted')).toHaveLength(5);
    expect(verdicts.filter((verdict) => verdict?.type === 'over')).toHaveLength(15);
    expect(await totals(gateOf(4))).toMatchObject({ images: 5, reservedCredits: 100 });
  });

  it('share places, in the order of the orders', async () => {
    const [one, two] = [gateOf(1), gateOf(2)];
    await admitOne(one, order('job_1'), LIMITS);
    await admitOne(two, order('job_2', { owner: owner(2) }), LIMITS);
    expect(await placeOne(one, 'job_1')).toEqual({ taken: true });
    expect(await placeOne(two, 'job_2')).toEqual({ taken: false, ahead: 0, oldestAt: expect.any(Number) });
    await one.note(jobOf({ id: 'job_1', state: 'completed' }));
    expect(await placeOne(two, 'job_2')).toEqual({ taken: true });
    await two.givePlaceBack('job_2');
    expect(await totals(one)).toMatchObject({ placesInUse: 0, reservedCredits: 20 });
  });

  it('find equal orders of each other', async () => {
    await admitOne(gateOf(1), order('job_1', { sameAs: 'a fox' }), LIMITS);
    expect(await gateOf(2).twinOf('a fox')).toBe('job_1');
    expect(await gateOf(2).twinOf('a hare')).toBeUndefined();
    const again = await admitOne(gateOf(2), order('job_2', { sameAs: 'a fox' }), LIMITS);
    expect(again).toEqual({ type: 'duplicate', id: 'job_1' });
    await gateOf(2).drop('job_1');
    expect(await gateOf(1).twinOf('a fox')).toBeUndefined();
  });

  it('of many equal orders at a time admit one', async () => {
    const gates = [gateOf(1), gateOf(2), gateOf(3)];
    const verdicts = await Promise.all(
      Array.from({ length: 9 }, (_, n) => admitOne(gates[n % 3], order(`job_${n}`, { sameAs: 'a fox' }), LIMITS)),
    );
    expect(verdicts.filter((verdict) => verdict?.type === 'admitted')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict?.type === 'duplicate')).toHaveLength(8);
  });
});

describe('the plan', () => {
  it('bounds the jobs at a time and the jobs of a day', async () => {
    const gate = gateOf(1, { plan: 'starter' });
    for (const n of [1, 2, 3, 4]) await admitOne(gate, order(`job_${n}`), LIMITS);
    for (const n of [1, 2, 3]) expect(await placeOne(gate, `job_${n}`)).toEqual({ taken: true });
    expect((await placeOne(gate, 'job_4')).taken).toBe(false);
  });

  it('follows the headers where none was set: from one job at a time to ten', async () => {
    const gate = gateOf(1, { plan: 'auto' });
    for (const n of [1, 2]) await admitOne(gate, order(`job_${n}`), LIMITS);
    await placeOne(gate, 'job_1');
    expect((await placeOne(gate, 'job_2')).taken).toBe(false);
    await gate.learn({ window: { limit: 60 } });
    expect((await placeOne(gate, 'job_2')).taken).toBe(true);
  });

  it('of a free account ends the day after a hundred jobs, whatever the budget says', async () => {
    records = Array.from({ length: 100 }, (_, n) =>
      jobOf({ id: `job_${n}`, state: 'saved', request: { prompt: String(n), width: 512, height: 512 } }),
    );
    const verdict = await admitOne(gateOf(1), order('job_x'), { creditsPerDay: null, imagesPerDay: null });
    expect(verdict).toMatchObject({ type: 'over', limit: 'jobsPerDay', allowed: 100 });
  });
});

describe('prices', () => {
  it('are settled as the records say, and a balance that an order refutes is forgotten', async () => {
    const gate = gateOf(1);
    await admitOne(gate, order('job_1'), LIMITS);
    await gate.learn({ balance: 8 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const job = jobOf({ id: 'job_1', state: 'processing', credits: { min: 10, max: 20, exact: 12 } });
    await gate.note(job);
    expect(await totals(gate)).toMatchObject({ spentCredits: 12, reservedCredits: 0 });
    expect((await gate.state()).traffic.balance).toBeUndefined();
  });

  it('are given back for an order that cost nothing', async () => {
    const gate = gateOf(1);
    await admitOne(gate, order('job_1'), LIMITS);
    await placeOne(gate, 'job_1');
    const failure = sampleFailure({ creditsSpent: 'no' });
    await gate.note(jobOf({ id: 'job_1', state: 'failed', failure }));
    expect(await totals(gate)).toEqual({ images: 0, spentCredits: 0, reservedCredits: 0, placesInUse: 0 });
  });

  it('are reserved again before an order leaves whose reservation was lost', async () => {
    const gate = gateOf(1);
    await admitOne(gate, order('job_1'), LIMITS);
    await gate.drop('job_1');
    await gate.note(jobOf({ id: 'job_1', state: 'submitting' }));
    expect(await totals(gate)).toMatchObject({ images: 1, reservedCredits: 20, placesInUse: 1 });
    expect(await gate.twinOf(sameAs(sampleJob().request))).toBe('job_1');
  });
});

describe('the files', () => {
  const request = { prompt: 'a fox', width: 1024, height: 1024 } as const;

  it('hold no key and no prompt, are for the user alone, and are all that is there', async () => {
    const gate = gateOf(1);
    await gate.permit();
    await admitOne(gate, order('job_1', { sameAs: sameAs(request) }), LIMITS);
    expect((await readdir(join(folder, 'gate'))).toSorted()).toEqual(['account.json', 'marks', 'traffic.json']);
    expect(await readFile(fileOf('account'), 'utf8')).not.toContain('fox');
  });

  it.each([
    ['deleted', undefined],
    ['empty', ''],
    ['half', '{"schema":1,"account":{"day":20'],
    ['of another form', '{"schema":1,"account":{"day":"today"}}'],
  ])('that are %s: the account is told by the records again', async (_, text) => {
    const gate = gateOf(1);
    await admitOne(gate, order('job_x'), LIMITS);
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
    expect(await totals(gate)).toEqual({ images: 2, spentCredits: 15, reservedCredits: 20, placesInUse: 1 });
    const same = order('job_3', { sameAs: sameAs(request) });
    expect(await admitOne(gate, same, LIMITS)).toEqual({ type: 'duplicate', id: 'job_1' });
    expect((await admitOne(gate, order('job_4'), { ...LIMITS, creditsPerDay: 54 })).type).toBe('over');
    expect((await admitOne(gate, order('job_4'), { ...LIMITS, creditsPerDay: 55 })).type).toBe('admitted');
    expect(await totals(gateOf(2))).toMatchObject({ images: 3, reservedCredits: 40 });
  });

  it('of a newer version are an error that sends nothing, and stay as they are', async () => {
    const gate = gateOf(1);
    await gate.permit();
    await admitOne(gate, order('job_1'), LIMITS);
    for (const name of ['account', 'traffic'] as const) {
      await writeFile(fileOf(name), '{"schema":2,"more":true}');
    }
    const works = [
      () => gate.permit(),
      () => admitOne(gate, order('job_2'), LIMITS),
      () => placeOne(gate, 'job_1'),
      () => gate.state(),
    ];
    for (const work of works)
      expect(await failureOf(work())).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
    await gate.note(jobOf({ id: 'job_1', state: 'saved' }));
    await gate.learn({ balance: 3 });
    await gate.drop('job_1');
    for (const name of ['account', 'traffic'] as const)
      expect(await readFile(fileOf(name), 'utf8')).toBe('{"schema":2,"more":true}');
    expect(warnings.length).toBeGreaterThan(0);
  });
});

describe('a folder that cannot be written', () => {
  it('ends what needs it with storage_failed and no credits spent, and only warns for what follows', async () => {
    await writeFile(join(folder, 'gate'), 'in the way');
    const gate = gateOf(1);
    const works = [
      () => gate.permit(),
      () => admitOne(gate, order('job_1'), LIMITS),
      () => placeOne(gate, 'job_1'),
      () => gate.twinOf('a'),
    ];
    for (const work of works)
      expect(await failureOf(work())).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
    await gate.note(jobOf({ id: 'job_1', state: 'completed' }));
    await gate.learn({ balance: 3 });
    await gate.givePlaceBack('job_1');
    await gate.drop('job_1');
    expect(new Set(warnings)).toEqual(new Set(['the shared limits could not be brought up to date']));
  });

  // The superuser may write everywhere.
  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'for lack of rights is no different',
    async () => {
      await gateOf(1).permit();
      await chmod(join(folder, 'gate'), 0o500);
      const failure = await failureOf(gateOf(1).permit());
      expect(failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
      expect(failure.remedy).toContain('FLUX_STATE_DIR');
      await chmod(join(folder, 'gate'), 0o700);
    },
  );
});

describe('what is learnt', () => {
  it('is not written when it says what was counted already', async () => {
    const gate = gateOf(1);
    const resetsAt = Date.now() + 30_000;
    await gate.learn({ window: { limit: 10, remaining: 8, resetsAt } });
    await gate.permit();
    const before = await readFile(fileOf('traffic'), 'utf8');
    await gate.learn({ window: { limit: 10, remaining: 7, resetsAt: resetsAt + 400 } });
    expect(await readFile(fileOf('traffic'), 'utf8')).toBe(before);
    await gate.learn({ window: { limit: 10, remaining: 5, resetsAt } });
    expect((await gate.state()).traffic.window.remaining).toBe(5);
  });
});

describe('the gate in memory', () => {
  it('keeps the same rules for as long as the process lives', async () => {
    const clock = createManualClock();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const gate = createMemoryGate({ clock, log, plan: 'free' });
    for (let n = 0; n < 10; n += 1) expect((await gate.permit()).granted).toBe(true);
    expect(await gate.permit()).toEqual({ granted: false, until: clock.now() + 61_000, told: false });
    await clock.advance(61_000);
    expect((await gate.permit()).granted).toBe(true);
    expect((await admitOne(gate, order('job_1'), LIMITS)).type).toBe('admitted');
    expect((await admitOne(gate, order('job_1'), LIMITS)).type).toBe('duplicate');
  });

  it('counts in another window where a test compresses time', async () => {
    const clock = createManualClock();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const gate = createMemoryGate({ clock, log, plan: 'free', requestWindow: { windowMs: 600, slackMs: 10 } });
    for (let n = 0; n < 10; n += 1) await gate.permit();
    expect(await gate.permit()).toMatchObject({ until: clock.now() + 610 });
  });
});
