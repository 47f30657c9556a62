/** How long a batch takes as a whole, against the least that the plan's limits allow and against naive programs. */
import { PLAN_LIMITS, type Plan } from '../src/limits/plan.ts';
import { placeOrder, placeOrders } from '../test/support/place-orders.ts';
import { machine, markdownTable, recordIfAsked } from './figures.ts';
import { allAtOnce, oneAfterTheOther } from './virtual/naive-clients.ts';
import { logNormal } from './virtual/random.ts';
import { createVirtualApp, type VirtualApp } from './virtual/virtual-app.ts';

const PICTURES = 100;
const SEED = 20_261_126;
const HISTORY = 30;
const DURATIONS = logNormal(30);
const ENTRIES_MAX = 50;
const TO_REACH = 1.1;

type Method = { name: string; work: (app: VirtualApp) => Promise<unknown>; history?: number };

async function batch({ jobs }: VirtualApp): Promise<void> {
  const entries = Array.from({ length: PICTURES }, (_, n) => ({
    request: { prompt: `picture ${n}`, width: 1024, height: 1024 },
  }));
  const calls = Array.from({ length: Math.ceil(PICTURES / ENTRIES_MAX) }, (_, n) =>
    entries.slice(n * ENTRIES_MAX, (n + 1) * ENTRIES_MAX),
  );
  await Promise.all(
    calls.map(async (call) => {
      const ordered = await placeOrders(jobs, call);
      const ids = ordered.map(({ job }) => job.id);
      const done = await jobs.waitForAll(ids, { waitMs: 24 * 3_600_000 });
      if (done.some(({ state }) => state !== 'saved')) throw new Error('a picture is missing');
    }),
  );
}

const METHODS: readonly Method[] = [
  { name: 'generate_images, two calls of 50, nothing learnt yet', work: batch },
  { name: `generate_images, two calls of 50, after ${HISTORY} pictures`, work: batch, history: HISTORY },
  { name: 'one after the other, a poll every 2 s', work: (app) => oneAfterTheOther(app, PICTURES) },
  { name: 'all at once, a poll every 2 s, retries after 2^i s', work: (app) => allAtOnce(app, PICTURES) },
];

/** Every place is taken by the next picture at once, and requests cost nothing but what the plan allows of them. */
function optimumMs(tookMs: readonly number[], plan: Plan): number {
  const { concurrentJobs, requestsPerMinute } = PLAN_LIMITS[plan];
  const slots = new Array<number>(concurrentJobs ?? tookMs.length).fill(0);
  const orders: number[] = [];
  for (const ms of tookMs) {
    slots.sort((a, b) => a - b);
    const window = requestsPerMinute === null ? 0 : (orders.at(-requestsPerMinute) ?? -60_000) + 60_000;
    const begins = Math.max(slots[0] ?? 0, window);
    orders.push(begins);
    slots[0] = begins + ms;
  }
  return Math.max(...slots);
}

async function history({ jobs, clock }: VirtualApp, pictures: number): Promise<void> {
  for (let n = 0; n < pictures; n += 1) {
    const { job } = await placeOrder(jobs, { prompt: `past ${n}`, width: 1024, height: 1024 });
    await jobs.waitFor(job.id, { waitMs: 3_600_000 });
    await clock.sleep(60_000);
  }
}

const rows: string[][] = [];
const misses: string[] = [];
for (const plan of ['starter', 'pro'] as const) {
  for (const { name, work, history: learnt = 0 } of METHODS) {
    const app = createVirtualApp({ plan, durations: DURATIONS, seed: SEED });
    const { clock, service } = app;
    await clock.until(history(app, learnt));
    const before = { at: clock.monotonic(), ...service.counts };
    await clock.until(work(app));
    const tookMs = clock.monotonic() - before.at;
    const served = [...service.jobs.values()].slice(learnt);
    const least = optimumMs(
      served.map(({ acceptedAt, endsAt }) => endsAt - acceptedAt),
      plan,
    );
    const refused = service.counts.refused - before.refused;
    const ratio = tookMs / least;
    if (work === batch && (ratio > TO_REACH || refused > 0)) misses.push(`${plan}, ${name}`);
    rows.push([
      plan,
      name,
      `${(tookMs / 1_000).toFixed(0)} s`,
      `${(least / 1_000).toFixed(0)} s`,
      work === batch ? `**${ratio.toFixed(3)}**` : ratio.toFixed(3),
      String(service.counts.orders + service.counts.reads - before.orders - before.reads),
      String(refused),
    ]);
  }
}

const content = [
  `Machine: ${machine()}; virtual time, so that its speed does not matter. Seed ${SEED}.`,
  '',
  `${PICTURES} pictures, ${DURATIONS.name}, by the program’s own job service and scheduler from source in front of a service in virtual time; a request takes 0.1 s, the service counts any span of a minute. The least is computed from the plan’s limits alone, on the very durations of that run: each place is taken by the next picture at once. To reach: at most ${TO_REACH} times the least, and no 429.`,
  '',
  markdownTable(['plan', 'how', 'whole batch', 'the least', 'ratio', 'requests', '429'], rows),
].join('\n');
console.log(content);
console.log(misses.length === 0 ? '\nEvery target is reached.' : `\nNot reached: ${misses.join('; ')}`);
recordIfAsked('batch', content);
