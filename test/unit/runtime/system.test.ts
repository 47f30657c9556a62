/** Proves what the system gives: sleeps that end with their signal, deadlines, unique ids, and which processes live. */
import { isSameOwner } from '../../../src/core/job.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { randomIds, systemClock, systemProcesses } from '../../../src/runtime/system.ts';

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

const self = systemProcesses.self();

describe('a process', () => {
  it('is this one, which lives', () => {
    expect(self.pid).toBe(process.pid);
    expect(systemProcesses.self()).toBe(self);
    expect(systemProcesses.isAlive({ ...self })).toBe(true);
  });

  it('of the same number and another session is gone: in a container every run has the same number', () => {
    const earlier = { ...self, session: 'of an earlier run' };
    expect(systemProcesses.isAlive(earlier)).toBe(false);
    expect(isSameOwner(earlier, self)).toBe(false);
  });

  it('that has ended is gone, and one that runs lives', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const other = { pid: child.pid ?? 0, host: self.host, session: 'its own' };
    expect(systemProcesses.isAlive(other)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(systemProcesses.isAlive(other)).toBe(false);
  });

  it('of another machine counts as living: nobody here can know', () => {
    expect(systemProcesses.isAlive({ pid: 1, host: `not ${self.host}`, session: 'x' })).toBe(true);
  });
});

describe('randomIds', () => {
  it('makes job ids of letters and digits', () => {
    expect(randomIds.jobId()).toMatch(/^job_[a-z0-9]{20}$/u);
  });

  it('makes keys that are UUIDs', () => {
    expect(randomIds.idempotencyKey()).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u);
  });

  it('never makes one twice', () => {
    for (const make of [randomIds.jobId, randomIds.idempotencyKey]) {
      expect(new Set(Array.from({ length: 2_000 }, make)).size).toBe(2_000);
    }
  });
});
