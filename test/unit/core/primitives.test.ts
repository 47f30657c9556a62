import { describe, expect, it } from 'vitest';
import { BoundedMap, Mutex, Wakeup } from '../../../src/core/primitives.ts';
import { createManualClock } from '../../support/manual-clock.ts';

describe('BoundedMap', () => {
  it('forgets the oldest entry when there is no more room', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1).set('b', 2).set('c', 3);
    expect([...map]).toEqual([
      ['b', 2],
      ['c', 3],
    ]);
  });

  it('counts an entry that is set again as the newest', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1).set('b', 2).set('a', 3).set('c', 4);
    expect([...map.keys()]).toEqual(['a', 'c']);
  });
});

describe('Mutex', () => {
  it('runs work in the order in which it was asked for, never two at a time', async () => {
    const mutex = new Mutex();
    const log: string[] = [];
    const work = (name: string) => async (): Promise<string> => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
      return name;
    };
    expect(await Promise.all(['a', 'b', 'c'].map((name) => mutex.run(work(name))))).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('goes on after work that failed', async () => {
    const mutex = new Mutex();
    await expect(mutex.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await mutex.run(async () => 'next')).toBe('next');
  });
});

describe('Wakeup', () => {
  it('sleeps until the time has passed', async () => {
    const clock = createManualClock();
    const waiting = new Wakeup(clock).wait(1_000);
    await clock.advance(1_000);
    expect(await waiting).toBe(false);
    expect(clock.pending()).toBe(0);
  });

  it('ends the wait when it is woken, and takes the timer back', async () => {
    const clock = createManualClock();
    const wakeup = new Wakeup(clock);
    const waiting = wakeup.wait(1_000);
    wakeup.wake();
    expect(await waiting).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it('remembers one call that came before the wait', async () => {
    const clock = createManualClock();
    const wakeup = new Wakeup(clock);
    wakeup.wake();
    wakeup.wake();
    expect(await wakeup.wait(Number.POSITIVE_INFINITY)).toBe(true);
    const waiting = wakeup.wait(10);
    await clock.advance(10);
    expect(await waiting).toBe(false);
  });

  it('rejects with the reason of the signal, before and during the wait', async () => {
    const clock = createManualClock();
    const wakeup = new Wakeup(clock);
    const controller = new AbortController();
    const waiting = wakeup.wait(Number.POSITIVE_INFINITY, controller.signal);
    controller.abort(new Error('the server is ending'));
    await expect(waiting).rejects.toThrow('the server is ending');
    await expect(wakeup.wait(1, controller.signal)).rejects.toThrow('the server is ending');
    expect(clock.pending()).toBe(0);
  });
});
