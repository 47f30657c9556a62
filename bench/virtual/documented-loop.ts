/** The provider's own advice, against the same service: each job by itself is asked for every two seconds. */

import type { VirtualClock } from './virtual-clock.ts';
import type { ServedJob, VirtualService } from './virtual-service.ts';

const POLL_EVERY_MS = 2_000;
const ROUND_TRIP_MS = 100;

/**
 * Virtual milliseconds at which the loop learns of the job's end, and how often it asked. It sleeps two seconds, asks,
 * and waits for the answer; no limit holds it back.
 */
async function loopUntilDone(job: ServedJob, clock: VirtualClock): Promise<{ noticedAt: number; requests: number }> {
  for (let requests = 1; ; requests += 1) {
    await clock.sleep(POLL_EVERY_MS);
    await clock.sleep(ROUND_TRIP_MS / 2);
    const isSettled = clock.monotonic() >= job.endsAt;
    await clock.sleep(ROUND_TRIP_MS / 2);
    if (isSettled) return { noticedAt: clock.monotonic(), requests };
  }
}

/** As many jobs at a time as are given, one round after the other. */
export async function loopRounds(
  service: VirtualService,
  clock: VirtualClock,
  rounds: number,
  atOnce: number,
): Promise<{ delaysMs: number[]; requests: number }> {
  const delaysMs: number[] = [];
  let requests = 0;
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        const job = service.accept();
        await clock.sleep(ROUND_TRIP_MS / 2);
        const seen = await loopUntilDone(job, clock);
        delaysMs.push(seen.noticedAt - job.endsAt);
        requests += seen.requests;
      }),
    );
  }
  return { delaysMs, requests };
}
