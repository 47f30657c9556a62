/** Proves that real sleeps end with their signal and that deadlines can be taken back; no test here waits. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/runtime/system-clock.ts';

const FOREVER_MS = 2 ** 40;

describe('systemClock', () => {
  it('ends a sleep as soon as its signal is aborted, with the reason of the signal', async () => {
    const caller = new AbortController();
    const slept = systemClock.sleep(FOREVER_MS, caller.signal);
    const reason = new Error('enough');
    caller.abort(reason);
    await expect(slept).rejects.toBe(reason);
    await expect(systemClock.sleep(FOREVER_MS, caller.signal)).rejects.toBe(reason);
  });

  it('takes a delay in the past for none', async () => {
    await systemClock.sleep(-5);
  });

  it('does not turn a delay of years into none', async () => {
    const caller = new AbortController();
    let ended = false;
    const slept = systemClock.sleep(FOREVER_MS, caller.signal).finally(() => {
      ended = true;
    });
    const { signal, clear } = systemClock.deadline(FOREVER_MS);
    await systemClock.sleep(5);
    expect([ended, signal.aborted]).toEqual([false, false]);
    clear();
    caller.abort();
    await expect(slept).rejects.toThrow();
  });

  it('aborts a deadline with a TimeoutError, unless it was taken back', async () => {
    const kept = systemClock.deadline(1);
    const cleared = systemClock.deadline(1);
    cleared.clear();
    await systemClock.sleep(20);
    expect(kept.signal.reason).toMatchObject({ name: 'TimeoutError' });
    expect(cleared.signal.aborted).toBe(false);
  });

  it('rolls dice in [0, 1) and never runs backwards', () => {
    const before = systemClock.monotonic();
    const rolled = systemClock.random();
    expect(rolled >= 0 && rolled < 1).toBe(true);
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  });
});
