/** Time stands still while an answer is on its way, and passes where none will come. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createDrivenClock } from './driven-clock.ts';
import { leaveHanging } from './open-exchanges.ts';

const DEADLINE_MS = 5_000;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function ask(answer: RequestListener): Promise<{ outcome: string; passedMs: number }> {
  const own = createServer(answer);
  server = own;
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const clock = createDrivenClock();
  const deadline = clock.deadline(DEADLINE_MS);
  const asked = fetch(`http://127.0.0.1:${(own.address() as AddressInfo).port}`, { signal: deadline.signal });
  const outcome = await clock.during(
    asked.then(
      (response) => response.text(),
      (error: Error) => error.name,
    ),
  );
  return { outcome, passedMs: clock.monotonic() };
}

it('an answer that takes real time takes none of the clock', async () => {
  const seen = await ask((_, response) => {
    setTimeout(() => response.end('late'), 150);
  });
  expect(seen).toEqual({ outcome: 'late', passedMs: 0 });
});

it('an answer that is withheld on purpose ends by its deadline, at once', async () => {
  const seen = await ask((request) => leaveHanging(request));
  expect(seen).toEqual({ outcome: 'TimeoutError', passedMs: DEADLINE_MS });
});
