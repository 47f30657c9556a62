/** Proves that no request leaves without a permit, that what the service reports is obeyed, and when an order is recorded as submitting. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { DoitongSettings } from '../../src/doitong/doitong-provider.ts';
import type { Limits, RequestLimiter } from '../../src/limits/limits.ts';
import { createManualClock, MANUAL_CLOCK_START, type ManualClock } from '../support/manual-clock.ts';
import { createMemoryLimits } from '../support/memory-storage.ts';
import {
  errors,
  type Harness,
  job,
  REQUEST,
  type Script,
  startHarness,
  unmarked,
} from '../unit/doitong/scripted-service.ts';

const never = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };
const NOW_S = MANUAL_CLOCK_START / 1_000;
const QUERY = { field: 'job', argument: 'id' };

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

/** With the request limiter that the program uses, or with another. */
async function start(
  script: Script,
  options: {
    limiterOn?: (clock: ManualClock) => RequestLimiter;
    clock?: ManualClock;
    settings?: Partial<DoitongSettings>;
  } = {},
): Promise<Harness & { shared: Limits }> {
  let shared: Limits | undefined;
  const real = (clock: ManualClock): Limits => {
    shared = createMemoryLimits({ clock, log, plan: 'enterprise' });
    return shared;
  };
  harness = await startHarness(script, {
    // So that an order is one request.
    settings: { jobQuery: QUERY, dialect: 'rest', ...options.settings },
    limiterOn: options.limiterOn ?? real,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  return { ...harness, shared: shared ?? createMemoryLimits({ clock: harness.clock, log, plan: 'enterprise' }) };
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FluxError);
  return (error as FluxError).failure;
}

const noStorage = new FluxError({
  kind: 'storage_failed',
  reason: { code: 'worded', what: 'No room.' },
  creditsSpent: 'no',
  retry: 'no',
});
const closed: RequestLimiter = { permit: () => Promise.reject(noStorage), learn: async () => undefined };

describe('a permit', () => {
  it('is asked for before every single request: orders, tries, readings, and the search for the query', async () => {
    const script: Script = ({ query }, count) => {
      if (query.includes('__schema')) return { status: 400 };
      return count === 2 ? { status: 503 } : { body: job({ status: 'completed', url: 'https://cdn/1' }) };
    };
    harness = await startHarness(script);
    const { provider, service, limiter } = harness;
    await provider.submit(REQUEST, 'key-1', unmarked());
    await provider.read('job-1', never);
    await provider.refresh(never);
    expect(service.arrived.length).toBe(5);
    expect(limiter.permits()).toBe(5);
    expect(limiter.reported).toHaveLength(5);
  });

  it('is waited for, and the wait is reported', async () => {
    const clock = createManualClock();
    const answers = [{ granted: false, until: MANUAL_CLOCK_START + 20_000, reported: false } as const];
    const limiter: RequestLimiter = {
      permit: async () => answers.shift() ?? { granted: true },
      learn: async () => undefined,
    };
    const { provider, service } = await start([{ body: job() }], { limiterOn: () => limiter, clock });
    const waits: number[] = [];
    const order = provider.submit(REQUEST, 'key-1', { ...unmarked(), onWait: (until) => waits.push(until) });
    await clock.advance(19_999);
    expect(service.arrived).toEqual([]);
    expect(waits).toEqual([MANUAL_CLOCK_START + 20_000]);
    await clock.advance(50);
    expect((await order).remoteId).toBe('job-1');
  });

  it('of our own count is waited for however long: it comes within a minute', async () => {
    const answers = [{ granted: false, until: MANUAL_CLOCK_START + 90_000, reported: false } as const];
    const limiter: RequestLimiter = {
      permit: async () => answers.shift() ?? { granted: true },
      learn: async () => undefined,
    };
    const { provider, clock } = await start([{ body: job() }], { limiterOn: () => limiter });
    expect((await provider.submit(REQUEST, 'key-1', unmarked())).remoteId).toBe('job-1');
    expect(clock.slept).toEqual([90_020]);
  });

  it('that cannot be had because nothing can be stored ends an order unsent, and says nothing of a sent job', async () => {
    const { provider, service } = await start([], { limiterOn: () => closed });
    expect(await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).toEqual(noStorage.failure);
    expect(await failureOf(provider.read('job-1', never))).toEqual({ ...noStorage.failure, creditsSpent: 'maybe' });
    expect(await failureOf(provider.refresh(never))).toEqual(noStorage.failure);
    expect(service.arrived).toEqual([]);
  });

  it('that cannot be had for the second try leaves the order open: the first may have been carried out', async () => {
    let permits = 0;
    const limiter: RequestLimiter = {
      permit: () => (++permits === 1 ? Promise.resolve({ granted: true }) : closed.permit()),
      learn: async () => undefined,
    };
    const { provider, service } = await start([(response) => response.destroy()], { limiterOn: () => limiter });
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' });
    expect(service.arrived).toHaveLength(1);
  });

  it('is waited for no longer than the caller wants; nothing was sent then', async () => {
    const clock = createManualClock();
    const limiter: RequestLimiter = {
      permit: async () => ({ granted: false, until: clock.now() + 20_000, reported: false }),
      learn: async () => undefined,
    };
    const { provider, service } = await start([], { limiterOn: () => limiter, clock });
    const caller = new AbortController();
    const order = provider.submit(REQUEST, 'key-1', unmarked(caller.signal)).catch((reason: unknown) => reason);
    await clock.advance(5_000);
    caller.abort();
    expect(await order).toBe(caller.signal.reason);
    expect(service.arrived).toEqual([]);
    expect(clock.pending()).toBe(0);
  });
});

describe('what the service reported', () => {
  it('a used-up window is obeyed by the next order, to its end', async () => {
    const headers = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW_S + 30}` };
    const { provider, clock } = await start([{ headers, body: job() }, { body: job({ id: 'job-2' }) }]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    expect((await provider.submit(REQUEST, 'key-2', unmarked())).remoteId).toBe('job-2');
    expect(clock.slept).toEqual([30_020]);
  });

  it('a used-up window is obeyed by a reading, too', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW_S + 12}` };
    const { provider, clock } = await start([{ headers, body: job() }, { body: job() }]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    await provider.read('job-1', never);
    expect(clock.slept).toEqual([12_020]);
  });

  it('delays nothing as long as requests are left', async () => {
    const headers = { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': `${NOW_S + 30}` };
    const { provider, clock } = await start([{ headers, body: job() }, { body: job() }]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    await provider.read('job-1', never);
    expect(clock.slept).toEqual([]);
  });

  it('the delay after a refusal and the end of the window are both obeyed before the second try', async () => {
    const headers = { 'retry-after': '7', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${NOW_S + 30}` };
    const { provider, clock, service } = await start([{ status: 429, headers }, { body: job() }]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    expect(clock.slept).toEqual([7_000, 23_020]);
    expect(service.arrived).toHaveLength(2);
  });

  it('a pause of up to a minute is slept through by whoever comes next', async () => {
    const { provider, clock, shared } = await start([{ body: job() }]);
    await shared.learn({ pausedUntil: clock.now() + 60_000 });
    await provider.submit(REQUEST, 'key-1', unmarked());
    expect(clock.slept).toEqual([60_020]);
  });

  it('a longer pause is reported instead of slept: of an order nothing was sent, of a job nothing is learnt', async () => {
    const { provider, clock, shared, service } = await start([]);
    await shared.learn({ pausedUntil: clock.now() + 600_000 });
    const reported = { kind: 'rate_limited', retry: 'later', retryAfterSeconds: 600 };
    expect(await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).toMatchObject({
      ...reported,
      creditsSpent: 'no',
    });
    expect(await failureOf(provider.read('job-1', never))).toMatchObject({ ...reported, creditsSpent: 'maybe' });
    expect(await failureOf(provider.refresh(never))).toMatchObject({ ...reported, creditsSpent: 'no' });
    expect(clock.slept).toEqual([]);
    expect(service.arrived).toEqual([]);
  });

  it('the balance and the plan are known to all from then on', async () => {
    const refusal = errors({ message: 'no', code: 'INSUFFICIENT_CREDITS', creditsAvailable: 50 });
    const { provider, shared } = await start([{ headers: { 'x-ratelimit-limit': '30' }, status: 402, body: refusal }]);
    await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    const { rateState, requestLimit } = await shared.state();
    expect(rateState.balance).toEqual({ credits: 50, at: MANUAL_CLOCK_START });
    expect(requestLimit).toBe(30);
  });
});

describe('the record of an order as submitting', () => {
  it('is made once, after the permit and before the first byte, whatever the number of tries', async () => {
    const seen: string[] = [];
    const limiter: RequestLimiter = {
      permit: async () => {
        seen.push('permit');
        return { granted: true };
      },
      learn: async () => undefined,
    };
    const script: Script = (_, count) => {
      seen.push('arrived');
      return count < 3 ? { status: 503 } : { body: job() };
    };
    const { provider } = await start(script, { limiterOn: () => limiter });
    const beforeSending = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push('recorded');
    };
    await provider.submit(REQUEST, 'key-1', { signal: never, beforeSending });
    expect(seen).toEqual(['permit', 'recorded', 'arrived', 'permit', 'arrived', 'permit', 'arrived']);
  });

  it('is made once when fields are dropped, too', async () => {
    const unknown = errors({ message: 'Cannot query field "createdAt" on type "Generation".' });
    const settings = { dialect: 'generate' } as const;
    const { provider, service } = await start([{ status: 400, body: unknown }, { body: job() }], { settings });
    let dialectsPersisted = 0;
    const beforeSending = async (): Promise<void> => {
      dialectsPersisted += 1;
    };
    await provider.submit(REQUEST, 'key-1', { signal: never, beforeSending });
    expect([service.arrived.length, dialectsPersisted]).toEqual([2, 1]);
  });

  it('that fails ends the order unsent, with its own reason', async () => {
    const { provider, service, clock } = await start([]);
    const beforeSending = () => Promise.reject(noStorage);
    expect(await failureOf(provider.submit(REQUEST, 'key-1', { signal: never, beforeSending }))).toEqual(
      noStorage.failure,
    );
    expect(service.arrived).toEqual([]);
    expect(clock.slept).toEqual([]);
  });

  it('is not made for an order that is held back', async () => {
    const { provider, shared, clock } = await start([]);
    await shared.learn({ pausedUntil: clock.now() + 600_000 });
    let dialectsPersisted = 0;
    const beforeSending = async (): Promise<void> => {
      dialectsPersisted += 1;
    };
    await failureOf(provider.submit(REQUEST, 'key-1', { signal: never, beforeSending }));
    expect(dialectsPersisted).toBe(0);
  });
});

describe('a refresh', () => {
  const headers = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '42', 'x-ratelimit-reset': `${NOW_S + 30}` };

  it('is one small question without an idempotency key; its headers are learnt', async () => {
    const { provider, service, shared } = await start(() => ({ headers, body: { data: { __typename: 'Query' } } }));
    await provider.refresh(never);
    expect(service.arrived).toHaveLength(1);
    expect(service.arrived[0]?.query).toBe('query { __typename }');
    expect(service.arrived[0]?.headers).not.toHaveProperty('idempotency-key');
    expect((await shared.state()).rateState.window).toMatchObject({ limit: 60, remaining: 42 });
  });

  it('needs no answer to the question itself', async () => {
    const refusal = errors({ message: 'Cannot query field "__typename" on type "Query".' });
    const { provider, shared } = await start(() => ({ status: 400, headers, body: refusal }));
    await provider.refresh(never);
    expect((await shared.state()).rateState.window.remaining).toBe(42);
  });

  it.each([
    [401, 'bad_key', 1],
    [500, 'service_error', 2],
  ])('that ends in %i is reported; it cost nothing', async (status, kind, requests) => {
    const { provider, service } = await start(() => ({ status }));
    expect(await failureOf(provider.refresh(never))).toMatchObject({ kind, creditsSpent: 'no' });
    expect(service.arrived).toHaveLength(requests);
  });
});
