/** Two programs as they are written without this one: pictures one after the other, and all at once with retries. */

import type { VirtualClock } from './virtual-clock.ts';
import type { ServedJob, VirtualService } from './virtual-service.ts';

const POLL_EVERY_MS = 2_000;
const ROUND_TRIP_MS = 100;
/** The provider's advice, 2^i seconds, without an end: a picture that is given up would be no picture. */
const BACK_OFF_MAX_MS = 32_000;

type Client = { service: VirtualService; clock: VirtualClock };

export async function oneAfterTheOther(client: Client, pictures: number): Promise<void> {
  for (let made = 0; made < pictures; made += 1) await onePicture(client);
}

export async function allAtOnce(client: Client, pictures: number): Promise<void> {
  await Promise.all(Array.from({ length: pictures }, () => onePicture(client)));
}

async function onePicture({ service, clock }: Client): Promise<void> {
  const job = await untilTaken<ServedJob>(clock, () => service.orderNow());
  for (;;) {
    await clock.sleep(POLL_EVERY_MS);
    if (await untilTaken(clock, () => service.readNow(job))) return;
  }
}

async function untilTaken<Value>(clock: VirtualClock, ask: () => Value | undefined): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    await clock.sleep(ROUND_TRIP_MS / 2);
    const answer = ask();
    await clock.sleep(ROUND_TRIP_MS / 2);
    if (answer !== undefined) return answer;
    // Half of it by chance, so that not all come back together.
    await clock.sleep(Math.min(BACK_OFF_MAX_MS, 1_000 * 2 ** attempt) * (0.5 + 0.5 * clock.random()));
  }
}
