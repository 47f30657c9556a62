/** Proves how often, after which delays and at which cost a request is tried again, on a clock that stands still. */
import { describe, expect, it } from 'vitest';
import type { Log } from '../../../src/core/ports.ts';
import type { ServiceAnswer } from '../../../src/core/reasons.ts';
import { rowDecision } from '../../../src/doitong/failures.ts';
import { Retries, type Try } from '../../../src/doitong/retry.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const never = new AbortController().signal;
const failed = (row: ServiceAnswer, reportedDelayMs?: number): Try<string> => ({
  decision: rowDecision(row, 'submit'),
  reportedDelayMs,
});

function start(script: Try<string>[], options: { attempts?: number; signal?: AbortSignal; random?: number } = {}) {
  const clock = createManualClock(undefined, { autoAdvance: true, random: () => options.random ?? 0.5 });
  const retries = new Retries({ clock, log });
  let calls = 0;
  const once = async (): Promise<Try<string>> => script[calls++] ?? { value: 'done' };
  const retryOptions = { what: 'test', attempts: options.attempts ?? 3, signal: options.signal ?? never };
  return { clock, retries, once, run: () => retries.run(once, retryOptions), calls: () => calls };
}

describe('retries', () => {
  it('wait with full jitter and end with the value', async () => {
    const test = start([failed('lost'), failed('serviceError')], { random: 0.25 });
    expect(await test.run()).toEqual({ value: 'done' });
    expect(test.clock.slept).toEqual([125, 250]);
  });

  it('end after the attempts that are allowed, with the last failure', async () => {
    const test = start([failed('lost'), failed('lost'), failed('notSent'), failed('lost')]);
    expect(await test.run()).toMatchObject({
      failure: { kind: 'unreachable' },
      row: 'notSent',
    });
    expect(test.calls()).toBe(3);
  });

  it.each<ServiceAnswer>(['invalidRequest', 'badKey', 'noCredits', 'notOffered', 'redirected', 'keyReused'])(
    'never repeat %s',
    async (row) => {
      const test = start([failed(row)]);
      expect(await test.run()).toHaveProperty('row', row);
      expect(test.calls()).toBe(1);
      expect(test.clock.slept).toEqual([]);
    },
  );

  it('obey the delay of the service exactly up to a minute', async () => {
    const test = start([failed('rateLimited', 0), failed('rateLimited', 60_000)]);
    expect(await test.run()).toEqual({ value: 'done' });
    // No delay at all is no wish to be asked without a pause: the back-off stays the least.
    expect(test.clock.slept).toEqual([250, 60_000]);
  });

  it('hand a longer delay back, in seconds rounded up', async () => {
    const test = start([failed('rateLimited', 60_001)]);
    expect(await test.run()).toMatchObject({ failure: { kind: 'rate_limited', retryAfterSeconds: 61 } });
    expect(test.clock.slept).toEqual([]);
  });

  it('hand the delay back after the last try, too', async () => {
    const test = start([failed('rateLimited', 1_500)], { attempts: 1 });
    expect(await test.run()).toMatchObject({ failure: { retryAfterSeconds: 2 } });
  });

  it('stop when the caller ends the wait, with what is known', async () => {
    const controller = new AbortController();
    const clock = createManualClock();
    const retries = new Retries({ clock, log });
    const running = retries.run(async () => failed('lost'), { what: 'test', attempts: 3, signal: controller.signal });
    await clock.advance(1);
    controller.abort();
    expect(await running).toMatchObject({ failure: { kind: 'ambiguous' } });
    expect(clock.pending()).toBe(0);
  });

  it('share one budget: an outage is not answered with a storm', async () => {
    const outage = Array.from({ length: 100 }, () => failed('lost'));
    const test = start(outage);
    for (let request = 0; request < 4; request += 1) await test.run();
    // 50 tokens pay five ambiguous retries: 3 tries, 3 tries, 2 tries, 1 try.
    expect(test.calls()).toBe(9);
  });

  it.each<[ServiceAnswer, number]>([
    ['notSent', 10],
    ['lost', 5],
  ])('affords of %s %i in a row, and one token more for each success', (row, count) => {
    const { retries } = start([]);
    const options = { what: 'test', attempts: Infinity, signal: never };
    const delay = () => retries.after({ decision: rowDecision(row, 'submit') }, 1, options).delayMs;
    const tokens = 50 / count;
    for (let times = 0; times < count; times += 1) expect(delay()).toBeDefined();
    for (let successes = 0; successes < tokens; successes += 1) {
      expect(delay()).toBeUndefined();
      retries.succeeded();
    }
    expect(delay()).toBeDefined();
    // Never more than at first.
    for (let successes = 0; successes < 100; successes += 1) retries.succeeded();
    for (let times = 0; times < count; times += 1) expect(delay()).toBeDefined();
    expect(delay()).toBeUndefined();
  });
});
