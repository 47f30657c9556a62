/** The machine's clock is set forward or back in the midst of things: nothing is paid twice, nothing waits, no day is overspent. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { createDrivenClock, type DrivenClock } from '../support/driven-clock.ts';
import { placeOrder } from '../support/place-orders.ts';
import { type Crew, hireCrew } from './crew.ts';
import { createProcessClock } from './process-clock.ts';
import { LONG_MS, openApp, orderToTheEnd, refusalOf, SIDES } from './single-app.ts';
import { type Stage, type StageOptions, setStage } from './stage.ts';
import type { WorkerMessage, WorkerTask } from './worker-task.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** Of the clock: an order that waited for the hour to pass would take longer. */
const AT_ONCE_MS = 60_000;

type JumpingClock = DrivenClock & { jump(byMs: number): void };

/** Jumps in what it shows, as a set clock does; what has passed since then goes on evenly. */
function jumping(clock: DrivenClock): JumpingClock {
  let aheadMs = 0;
  return {
    ...clock,
    now: () => clock.now() + aheadMs,
    jump(byMs) {
      aheadMs += byMs;
    },
  };
}

const open: { app?: App; stage?: Stage; crew?: Crew; clock?: DrivenClock } = {};
afterEach(async () => {
  await open.app?.close();
  await open.stage?.close();
  open.clock?.stop();
  delete open.app;
  delete open.stage;
});

async function start(options: StageOptions = {}): Promise<{ app: App; stage: Stage; clock: JumpingClock }> {
  const service = createDrivenClock();
  open.clock = service;
  service.keepPassing();
  const stage = await setStage(service, { sandbox: { jobDurationMs: 5_000 }, ...options });
  open.stage = stage;
  const clock = jumping(service);
  const app = await openApp(stage, clock);
  open.app = app;
  return { app, stage, clock };
}

describe.each([
  ['an hour forward', HOUR_MS],
  ['an hour back', -HOUR_MS],
] as const)('a clock that is set %s', (_, jumpMs) => {
  it('while a picture is made: it is saved, and an equal order is the same one', async () => {
    const { app, stage, clock } = await start({ settings: { maxImagesPerDay: 2 } });
    const { job } = await placeOrder(app.jobs, { prompt: 'a wren', ...SIDES });
    while ((await app.jobs.find(job.id))?.state !== 'processing') await clock.sleep(50);
    clock.jump(jumpMs);
    const again = await orderToTheEnd(app, 'a wren');
    expect(again).toMatchObject({ duplicate: true, job: { id: job.id, state: 'saved' } });
    expect(stage.sandbox.inspect().charges).toHaveLength(1);

    const begun = clock.monotonic();
    expect((await orderToTheEnd(app, 'a robin')).job.state).toBe('saved');
    expect(clock.monotonic() - begun).toBeLessThan(AT_ONCE_MS);
    // What the day has cost is not forgotten.
    expect((await refusalOf(orderToTheEnd(app, 'a jay'))).kind).toBe('over_budget');
  });

  it('while an order is on its way and its answers are lost: it is repeated under its key', async () => {
    const { app, stage, clock } = await start();
    stage.faults.script(['drop-after', 'drop-after', 'drop-after']);
    stage.witness.onOrder = () => {
      stage.witness.onOrder = undefined;
      clock.jump(jumpMs);
    };
    const lost = await orderToTheEnd(app, 'a wren');
    // It is sent again by itself, unless it seems to be older than an hour.
    const ended = jumpMs < 0 ? { state: 'saved' } : { state: 'submitting', failure: { creditsSpent: 'maybe' } };
    expect(lost.job).toMatchObject(ended);
    const again = await orderToTheEnd(app, 'a wren');
    expect(again).toMatchObject({ duplicate: true, job: { id: lost.job.id, state: 'saved' } });
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
  });

  it('during a pause that the service asked for: the pause does not last for the hour', async () => {
    const { app, stage, clock } = await start();
    stage.faults.script([{ status: 429, headers: { 'retry-after': '10' } }]);
    const { job } = await placeOrder(app.jobs, { prompt: 'a wren', ...SIDES });
    while (stage.witness.arrivals().length === 0) await clock.sleep(50);
    await clock.sleep(1_000);
    clock.jump(jumpMs);
    const begun = clock.monotonic();
    expect((await app.jobs.waitFor(job.id, { waitMs: LONG_MS })).state).toBe('saved');
    expect((await orderToTheEnd(app, 'a robin')).job.state).toBe('saved');
    expect(clock.monotonic() - begun).toBeLessThan(AT_ONCE_MS);
    expect(stage.sandbox.inspect().charges).toHaveLength(2);
  });

  it('with several requests per window counted: they do not hold the next one for the hour', async () => {
    const { app, clock } = await start({ settings: { plan: 'free' }, witness: { withoutRateHeaders: true } });
    for (const bird of ['wren', 'robin', 'jay']) expect((await orderToTheEnd(app, bird)).job.state).toBe('saved');
    clock.jump(jumpMs);
    const begun = clock.monotonic();
    // Ten requests a minute: two pictures take at most one more window.
    for (const bird of ['tit', 'rook']) expect((await orderToTheEnd(app, bird)).job.state).toBe('saved');
    expect(clock.monotonic() - begun).toBeLessThan(3 * AT_ONCE_MS);
  });
});

describe.each([
  ['3 hours back', -3 * HOUR_MS],
  ['25 hours forward', 25 * HOUR_MS],
] as const)('a clock that is set %s', (_, jumpMs) => {
  async function restart(app: App, stage: Stage, clock: JumpingClock): Promise<App> {
    await app.close();
    open.app = await openApp(stage, clock);
    return open.app;
  }

  it.each([
    ['goes on', false],
    ['ends', true],
  ])('after the answer to an order was lost: an equal order has it sent again; the process %s', async (_case, ends) => {
    const { app, stage, clock } = await start();
    stage.faults.script(['drop-after', 'drop-after', 'drop-after']);
    const { job } = await placeOrder(app.jobs, { prompt: 'a wren', ...SIDES });
    while ((await app.jobs.find(job.id))?.failure === undefined) await clock.sleep(50);
    clock.jump(jumpMs);
    const later = ends ? await restart(app, stage, clock) : app;
    const again = await orderToTheEnd(later, 'a wren');
    expect(again).toMatchObject({ duplicate: true, job: { id: job.id, state: 'saved' } });
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
  });

  it('after a picture was saved: an equal order of another process finds it', async () => {
    const { app, stage, clock } = await start();
    const { job } = await orderToTheEnd(app, 'a wren');
    clock.jump(jumpMs);
    const again = await orderToTheEnd(await restart(app, stage, clock), 'a wren');
    expect(again).toMatchObject({ duplicate: true, job: { id: job.id } });
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
  });
});

describe('the limit of a day', () => {
  /** The app's clock at that moment, whatever the service's shows. */
  const set = (clock: JumpingClock, to: number): void => clock.jump(to - clock.now());
  const midnightAfter = (now: number): number => (Math.floor(now / DAY_MS) + 1) * DAY_MS;

  it('is not begun anew by an order at a time when the clock shows 1970', async () => {
    const { app, stage, clock } = await start({ settings: { maxImagesPerDay: 2 } });
    for (const bird of ['a wren', 'a robin']) expect((await orderToTheEnd(app, bird)).job.state).toBe('saved');
    const right = clock.now();
    set(clock, 60_000);
    expect((await orderToTheEnd(app, 'a jay')).job.state).toBe('saved');
    set(clock, right + 60_000);
    expect((await refusalOf(orderToTheEnd(app, 'a tit'))).kind).toBe('over_budget');
    expect((await app.jobs.limits()).daily.used).toBe(2);
    expect(stage.sandbox.inspect().charges).toHaveLength(3);
  });

  it('is kept around midnight: what is open counts for the new day until the service says when it took it', async () => {
    const { app, stage, clock } = await start({
      sandbox: { jobDurationMs: 30_000 },
      settings: { maxImagesPerDay: 2 },
    });
    const midnight = midnightAfter(clock.now());
    set(clock, midnight - 5_000);
    const before = await placeOrder(app.jobs, { prompt: 'a wren', ...SIDES });
    while ((await app.jobs.find(before.job.id))?.state !== 'processing') await clock.sleep(50);
    set(clock, Math.max(midnight, clock.now()));
    const after = await placeOrder(app.jobs, { prompt: 'a robin', ...SIDES });
    expect((await refusalOf(placeOrder(app.jobs, { prompt: 'a jay', ...SIDES }))).kind).toBe('over_budget');
    for (const { job } of [before, after])
      expect((await app.jobs.waitFor(job.id, { waitMs: LONG_MS })).state).toBe('saved');
    expect((await orderToTheEnd(app, 'a jay')).job.state).toBe('saved');
    expect((await refusalOf(orderToTheEnd(app, 'a tit'))).kind).toBe('over_budget');
    expect(stage.sandbox.inspect().charges).toHaveLength(3);
  });

  it('is known again when a clock that was a day ahead is set back', async () => {
    const { app, clock } = await start({ settings: { maxImagesPerDay: 1 } });
    expect((await orderToTheEnd(app, 'a wren')).job.state).toBe('saved');
    clock.jump(DAY_MS + HOUR_MS);
    expect((await orderToTheEnd(app, 'a robin')).job.state).toBe('saved');
    clock.jump(-DAY_MS - HOUR_MS);
    expect((await refusalOf(orderToTheEnd(app, 'a jay'))).kind).toBe('over_budget');
  });
});

describe.each([
  ['an hour later', HOUR_MS],
  ['25 hours later', 25 * HOUR_MS],
  ['an hour earlier', -HOUR_MS],
] as const)('a process that follows a killed one by a clock that shows %s', (_, jumpMs) => {
  let bench: Stage;
  beforeAll(async () => {
    bench = await setStage(systemClock);
    open.crew = await hireCrew(bench.folder);
  });
  afterAll(async () => {
    await open.crew?.close();
    await bench.close();
  });

  it('carries its order on and pays nothing', async () => {
    const clock = createProcessClock(bench.folder);
    open.clock = clock;
    clock.keepPassing();
    const stage = await setStage(clock, { sandbox: { jobDurationMs: 5_000 } });
    open.stage = stage;
    const orders = [{ prompt: 'a wren' }];
    const task: WorkerTask = {
      settings: stage.settings,
      clock: { file: clock.file },
      work: { type: 'orders', orders, lanes: 1, waitMs: LONG_MS },
    };
    const first = open.crew?.start(clock, task);
    stage.witness.onOrder = () => first?.kill();
    expect((await first?.ended)?.signal).toBe('SIGKILL');
    stage.witness.onOrder = undefined;

    const reported: WorkerMessage[] = [];
    const later = { file: clock.file, aheadMs: jumpMs };
    // Whoever calls before the killed one is known to be gone may have to call again.
    const work = { ...task.work, orders: [...orders, ...orders] };
    await open.crew?.start(clock, { ...task, work, clock: later }, (message) => reported.push(message)).ended;
    expect(reported.at(-1)).toMatchObject({ type: 'ended', job: { duplicate: true, state: 'saved' } });
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
    expect(stage.witness.arrivals().filter(({ prompt }) => prompt === 'a wren')).toHaveLength(2);
  });
});
