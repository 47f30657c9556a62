/** The same small case in real time over HTTP and in virtual time, so that the one stands for the other. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobDurationMs } from '../sandbox/job.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { createApp } from '../src/app.ts';
import { placeOrder } from '../test/support/place-orders.ts';
import { benchSettings } from './app-settings.ts';
import { median } from './figures.ts';
import { createVirtualApp } from './virtual/virtual-app.ts';

const ROUNDS = 6;
const AT_ONCE = 5;
const MEDIAN_MS = 4_000;
const SEED = 'tie';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

export type SmallCase = { polls: number; medianDelayMs: number };

/** `real`: the program over HTTP against the sandbox; `virtual`: its job service against the same durations. */
export async function smallCase(): Promise<{ pictures: number; real: SmallCase; virtual: SmallCase }> {
  const { real, durationsMs } = await inRealTime();
  return { pictures: ROUNDS * AT_ONCE, real, virtual: await inVirtualTime(durationsMs) };
}

async function inRealTime(): Promise<{ real: SmallCase; durationsMs: number[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-tie-'));
  const sandbox = await startSandbox({ plan: 'pro', seed: SEED, jobDurationMs: MEDIAN_MS, credits: 10_000 });
  const app = await createApp(
    {
      ...benchSettings({ apiKey: sandbox.key, apiUrl: sandbox.url, plan: 'pro', folder }),
      jobQuery: { field: 'checkJobStatus', argument: 'jobId' },
    },
    { log: silent, onSecret: () => undefined },
  );
  try {
    const delays: number[] = [];
    const durationsMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const ids = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, n) => {
          const request = { prompt: `picture ${round}-${n}`, width: 256, height: 256 };
          const { job } = await placeOrder(app.jobs, request);
          return job.id;
        }),
      );
      const jobs = await app.jobs.waitForAll(ids, { waitMs: 120_000 });
      for (const { remoteId = '', acceptedAt = 0, completedAt = 0 } of jobs.toSorted(byAcceptance)) {
        const tookMs = jobDurationMs(remoteId, MEDIAN_MS);
        durationsMs.push(tookMs);
        delays.push(completedAt - acceptedAt - tookMs);
      }
    }
    const polls = sandbox.inspect().requests.filter(({ operation }) => operation === 'status').length;
    return { real: { polls: polls / delays.length, medianDelayMs: median(delays) }, durationsMs };
  } finally {
    await app.close();
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inVirtualTime(durationsMs: readonly number[]): Promise<SmallCase> {
  let drawn = 0;
  const durations = { name: 'as the sandbox had them', draw: () => durationsMs[drawn++] ?? MEDIAN_MS };
  const { jobs, clock, service, noticedAt } = createVirtualApp({ plan: 'pro', durations, seed: 1 });
  const round = async (number: number): Promise<void> => {
    const ids = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, n) => {
        const { job } = await placeOrder(jobs, { prompt: `picture ${number}-${n}`, width: 256, height: 256 });
        return job.id;
      }),
    );
    await jobs.waitForAll(ids, { waitMs: 120_000 });
  };
  for (let number = 0; number < ROUNDS; number += 1) await clock.until(round(number));
  const served = [...service.jobs.values()];
  return {
    polls: service.counts.reads / served.length,
    medianDelayMs: median(served.map(({ id, endsAt }) => (noticedAt.get(id) ?? Number.NaN) - endsAt)),
  };
}

const byAcceptance = (one: { acceptedAt?: number }, other: { acceptedAt?: number }): number =>
  (one.acceptedAt ?? 0) - (other.acceptedAt ?? 0);
