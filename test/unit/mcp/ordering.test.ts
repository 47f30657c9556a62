/** Proves that a caller gets the picture although whoever ordered it first gives up before it was sent. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import type { Order } from '../../../src/core/image-request.ts';
import { placeOrders } from '../../../src/mcp/ordering.ts';
import type { ToolContext } from '../../../src/mcp/tool.ts';
import { type Bench, createBench, type OneProcess, REQUEST, startProcess } from '../jobs/fakes.ts';

const ORDERS: Order[] = [{ request: REQUEST }];

let bench: Bench;
let other: OneProcess;
beforeEach(async () => {
  bench = createBench();
  other = startProcess(2, bench);
  // So that an order waits before it is sent.
  await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
});
afterEach(() => Promise.all([bench.jobs.close(), other.jobs.close()]));

function call({ jobs }: OneProcess, isBatch: boolean, signal = new AbortController().signal, orders = ORDERS) {
  const context: ToolContext = {
    jobs: async () => jobs,
    redact: (text) => text,
    sandbox: false,
    defaultWaitSeconds: 45,
    clock: bench.clock,
    signal,
    progress: () => undefined,
    canAsk: false,
    answer: undefined,
  };
  return placeOrders(orders, { tool: 'generate_image', isBatch }, context);
}

const sent = () => [...bench.provider.submitted, ...other.provider.submitted].map(({ key }) => key);

it.each([false, true])('when the call that ordered it is cancelled (several at once: %s)', async (isBatch) => {
  const giveUp = new AbortController();
  const first = call(bench, false, giveUp.signal).catch(() => 'cancelled');
  await bench.clock.advance(1_000);
  const second = call(other, isBatch);
  await bench.clock.advance(1_000);
  giveUp.abort(new Error('the host gave up'));
  await bench.clock.advance(40_000);
  expect(await first).toBe('cancelled');
  const job = { state: 'saved' };
  expect(await second).toMatchObject(isBatch ? { jobs: [job] } : { job });
  expect(sent()).toHaveLength(1);
  expect(await bench.recorded('job_1')).toMatchObject({ state: 'failed', failure: { creditsSpent: 'no' } });
});

it('when the process that ordered it ends', async () => {
  const first = call(bench, false);
  await bench.clock.advance(1_000);
  const second = call(other, false);
  await bench.clock.advance(1_000);
  await bench.jobs.close();
  bench.living.delete(1);
  await bench.clock.advance(40_000);
  expect(await first).toMatchObject({ job: { state: 'failed', failure: { kind: 'interrupted' } } });
  expect(await second).toMatchObject({ job: { state: 'saved' } });
  expect(sent()).toHaveLength(1);
});

it('and orders nothing for a caller who has given up as well', async () => {
  const giveUp = new AbortController();
  const calls = Promise.allSettled([bench, other].map((process) => call(process, false, giveUp.signal)));
  await bench.clock.advance(1_000);
  giveUp.abort(new Error('the host gave up'));
  await bench.clock.advance(40_000);
  expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(sent()).toEqual([]);
});

it('but not when the user took the order back: that is a no to the picture', async () => {
  const first = call(bench, false);
  await bench.clock.advance(1_000);
  const second = call(other, false);
  await bench.clock.advance(1_000);
  await other.jobs.cancel('job_1');
  await bench.clock.advance(40_000);
  for (const answer of [await first, await second])
    expect(answer).toMatchObject({ job: { id: 'job_1', failure: { reason: { code: 'user_cancelled' } } } });
  expect(sent()).toEqual([]);
});

it('and a call for several is answered with the others when that one cannot be ordered any more', async () => {
  const reason = { code: 'folder_not_usable', contents: 'pictures', folder: '/pictures', problem: 'ENOSPC' } as const;
  const failure = { kind: 'storage_failed', reason, creditsSpent: 'no', retry: 'no' } as const;
  let isFull = false;
  const checkFolders = async (): Promise<void> => {
    if (isFull) throw new FluxError(failure);
  };
  const third = startProcess(3, bench, { checkFolders });
  const giveUp = new AbortController();
  const first = call(bench, false, giveUp.signal).catch(() => 'cancelled');
  await bench.clock.advance(1_000);
  const owl = { request: { ...REQUEST, prompt: 'an owl' } };
  const second = call(third, true, undefined, [...ORDERS, owl]);
  await bench.clock.advance(1_000);
  isFull = true;
  giveUp.abort(new Error('the host gave up'));
  await bench.clock.advance(40_000);
  expect(await first).toBe('cancelled');
  expect(await second).toMatchObject({ jobs: [{ state: 'failed' }, { state: 'saved', request: owl.request }] });
  await third.jobs.close();
});
