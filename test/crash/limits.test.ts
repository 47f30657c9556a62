/** Several processes with one key: the request limit, the budget and equal orders hold across them. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/system.ts';
import type { CustomFault } from '../support/fault-server.ts';
import { SMALL_JPEG } from '../support/pictures.ts';
import { type Crew, hireCrew } from './crew.ts';
import { callTogether } from './crew-call.ts';
import { createProcessClock, type ProcessClock } from './process-clock.ts';
import { type Stage, type StageOptions, setStage } from './stage.ts';
import type { Order, WorkerTask } from './worker-task.ts';

const FOUR = [1, 2, 3, 4] as const;
const NUMBERS = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
/** Time does not pass before all processes are there. */
const ALL_ARE_UP_MS = 1_500;

/** Pictures of the priced size take the sandbox long to make; nobody looks at these. */
const QUICK_PICTURE: CustomFault = {
  status: 200,
  headers: { 'content-type': 'image/jpeg' },
  body: SMALL_JPEG,
};

let bench: Stage;
let crew: Crew;
beforeAll(async () => {
  bench = await setStage(systemClock);
  crew = await hireCrew(bench.folder);
});
afterAll(async () => {
  await crew.close();
  await bench.close();
});

let stage: Stage | undefined;
let clock: ProcessClock;
beforeEach(() => {
  clock = createProcessClock(bench.folder);
});
afterEach(async () => {
  await stage?.close();
  clock.stop();
  stage = undefined;
});

async function set(options: StageOptions): Promise<Stage> {
  stage = await setStage(clock, options);
  return stage;
}

function task(on: Stage, orders: readonly Order[], lanes: number): WorkerTask {
  return {
    settings: on.settings,
    clock: { file: clock.file },
    requestWindow: { windowMs: 1_000, slackMs: 100 },
    work: { type: 'orders', orders, lanes, waitMs: 600_000 },
  };
}

it('four processes stay within 30 requests in any window, and every one gets some', { timeout: 240_000 }, async () => {
  const LIMIT = 30;
  const ORDERS_EACH = 15;
  const requestWindow = { windowMs: 80_000, slackMs: 10_000 };
  const on = await set({
    // Nobody is done with its orders before the others have come.
    sandbox: { jobDurationMs: 1_000 },
    witness: { withoutRateHeaders: true },
    settings: { plan: 'starter', jobQuery: { field: 'checkJobStatus', argument: 'jobId' } },
  });
  const notBefore = clock.now() + ALL_ARE_UP_MS;
  const tasks = FOUR.map((worker) => ({
    ...task(
      on,
      NUMBERS(ORDERS_EACH).map((number) => ({ prompt: `${worker}: picture ${number}`, notBefore })),
      5,
    ),
    requestWindow,
  }));
  const reported = await callTogether(crew, clock, tasks);

  const arrivals = on.witness.arrivals();
  const times = arrivals.map(({ at }) => at).sort((a, b) => a - b);
  const { windowMs } = requestWindow;
  const inWindow = times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length);
  const inFirstWindow = arrivals.filter(({ at }) => at < (times[0] ?? 0) + windowMs);
  const sharesOf = (of: typeof arrivals): number[] =>
    FOUR.map((worker) => of.filter(({ prompt }) => prompt?.startsWith(`${worker}:`)).length);
  console.log(
    `${times.length} requests, at most ${Math.max(...inWindow)} in any ${windowMs} ms, ` +
      `orders of each process ${sharesOf(arrivals).join(', ')}, in the first window ${sharesOf(inFirstWindow).join(', ')}`,
  );
  expect(Math.max(...inWindow)).toBeLessThanOrEqual(LIMIT);
  // Else something other than the limit would have held them back.
  expect(Math.max(...inWindow)).toBeGreaterThan(LIMIT * 0.8);
  expect(Math.min(...sharesOf(inFirstWindow))).toBeGreaterThan(0);
  expect(sharesOf(arrivals)).toEqual(FOUR.map(() => ORDERS_EACH));
  expect(reported.flat().filter(({ type }) => type === 'refused')).toEqual([]);
  expect(on.sandbox.inspect().charges).toHaveLength(FOUR.length * ORDERS_EACH);
});

it('of 200 parallel calls those are sent that the budget pays for', { timeout: 240_000 }, async () => {
  const BUDGET = 1_000;
  const PRICE = 20;
  const on = await set({ sandbox: { jobDurationMs: 500 }, settings: { maxCreditsPerDay: BUDGET } });
  on.faults.script(Array<CustomFault>(200).fill(QUICK_PICTURE), 'picture');
  const notBefore = clock.now() + ALL_ARE_UP_MS;
  const tasks = FOUR.map((worker) => {
    const orders = NUMBERS(50).map((number) => ({ prompt: `${worker}: picture ${number}`, side: 1_024, notBefore }));
    return task(on, orders, orders.length);
  });
  const reported = (await callTogether(crew, clock, tasks)).flat();

  const refused = reported.flatMap((message) => (message.type === 'refused' ? [message.failure.kind] : []));
  const saved = reported.filter((message) => message.type === 'ended' && message.job.state === 'saved');
  const { charges } = on.sandbox.inspect();
  const spent = charges.reduce((sum, { credits }) => sum + credits, 0);
  console.log(
    `${charges.length} charges, ${spent} credits of ${BUDGET}; ${saved.length} saved, ${refused.length} refused`,
  );
  expect(spent).toBeLessThanOrEqual(BUDGET);
  expect(charges).toHaveLength(BUDGET / PRICE);
  expect(saved).toHaveLength(BUDGET / PRICE);
  expect(refused).toEqual(Array.from({ length: 200 - BUDGET / PRICE }, () => 'over_budget'));
});

it('two to four processes that order the same at once order it once', { timeout: 240_000 }, async () => {
  const RACES = 20;
  const EVERY_MS = 150;
  const on = await set({ sandbox: { jobDurationMs: 500 } });
  const first = clock.now() + ALL_ARE_UP_MS;
  const racersIn = (race: number): number => 2 + (race % 3);
  const orders = NUMBERS(RACES).map((race) => ({ prompt: `race ${race}`, notBefore: first + race * EVERY_MS }));
  const tasks = FOUR.map((worker) =>
    task(
      on,
      orders.filter((_, index) => worker <= racersIn(index + 1)),
      RACES,
    ),
  );
  const reported = (await callTogether(crew, clock, tasks)).flat();

  for (const race of NUMBERS(RACES)) {
    const prompt = `race ${race}`;
    const ended = reported.flatMap((message) =>
      message.prompt === prompt && message.type === 'ended' ? [message.job] : [],
    );
    expect(ended.map(({ duplicate }) => duplicate).sort()).toEqual(NUMBERS(racersIn(race)).map((slot) => slot > 1));
    expect(new Set(ended.map(({ jobId, state }) => `${jobId} ${state}`)).size).toBe(1);
    expect(on.witness.arrivals().filter((arrival) => arrival.prompt === prompt)).toHaveLength(1);
  }
  expect(on.sandbox.inspect().charges).toHaveLength(RACES);
});
