/** Proves what the system gives: sleeps that end with their signal, deadlines, unique ids, and who this process is. */
import { isSameOwner, timeOfId } from '../../../src/core/job.ts';
import { describe, expect, it } from 'vitest';
import { randomIds, randomKey, systemClock, thisProcess } from '../../../src/runtime/system.ts';

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

describe('this process', () => {
  it('has its number, and a session that no other process has', () => {
    expect(thisProcess().pid).toBe(process.pid);
    // As long as the name of a heartbeat may be.
    expect(thisProcess().session).toMatch(/^[a-z0-9]{16}$/u);
    const sameNumber = { ...thisProcess(), session: 'of an earlier run' };
    expect(isSameOwner(sameNumber, thisProcess())).toBe(false);
    expect(isSameOwner({ ...thisProcess(), pid: thisProcess().pid + 1, host: 'elsewhere' }, thisProcess())).toBe(true);
  });

  it('makes keys of 32 bytes, and never one twice', () => {
    expect(randomKey()).toHaveLength(32);
    expect(randomKey()).not.toEqual(randomKey());
  });
});

describe('randomIds', () => {
  it('makes job ids of letters and digits', () => {
    expect(randomIds.jobIds(1_800_000_000_000)()).toMatch(/^job_[a-z0-9]{20}$/u);
  });

  it('makes job ids that sort by time, and from which it is read', () => {
    const times = [0, 1, 999, 1_500_000_000_000, 1_800_000_000_000, 4_102_444_800_000];
    const ids = times.map((at) => randomIds.jobIds(at)());
    expect([...ids].sort()).toEqual(ids);
    expect(ids.map(timeOfId)).toEqual(times);
    expect(timeOfId('job_1')).toBeUndefined();
  });

  it('makes the ids of one call so that they are listed together, in their order, whatever is ordered with them', () => {
    const calls = Array.from({ length: 20 }, () => randomIds.jobIds(1_800_000_000_000));
    const called = calls.map(() => [] as string[]);
    for (let n = 0; n < 50; n += 1) for (const [call, makeId] of calls.entries()) called[call]?.push(makeId());
    const listed = called.flat().sort().reverse();
    for (const ids of called) expect(listed.slice(listed.indexOf(ids[0] ?? '')).slice(0, 50)).toEqual(ids);
  });

  it('makes keys that are UUIDs', () => {
    expect(randomIds.idempotencyKey()).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u);
  });

  it('never makes one twice', () => {
    for (const make of [() => randomIds.jobIds(1_800_000_000_000)(), randomIds.idempotencyKey]) {
      expect(new Set(Array.from({ length: 2_000 }, make)).size).toBe(2_000);
    }
  });
});
