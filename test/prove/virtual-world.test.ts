import { describe, expect, it } from 'vitest';
import { MemoryDisk } from './memory-disk.ts';
import type { VirtualProcess } from './virtual-process.ts';
import { type Event, VirtualWorld } from './virtual-world.ts';

const HOUR_MS = 60 * 60_000;

/** Takes so many steps; each is written down when it is taken. */
async function walk(process: VirtualProcess, steps: number, seen: string[]): Promise<void> {
  for (let number = 1; number <= steps; number += 1) {
    await process.step();
    seen.push(`${process.name}${number}`);
  }
}

describe('the order of what happens in a virtual world', () => {
  const interleaved = async (seed: number): Promise<string[]> => {
    const world = new VirtualWorld({ seed });
    const seen: string[] = [];
    const walks = ['a', 'b', 'c'].map((name) => walk(world.addProcess({ name }), 4, seen));
    await world.during(Promise.all(walks));
    return seen;
  };

  it('is the same for the same seed and another one for others', async () => {
    expect(await interleaved(1)).toEqual(await interleaved(1));
    const orders = new Set<string>();
    for (let seed = 1; seed <= 20; seed += 1) orders.add(String(await interleaved(seed)));
    expect(orders.size).toBe(20);
  });

  it('keeps that of one process', async () => {
    for (const name of ['a', 'b', 'c'])
      expect((await interleaved(5)).filter((step) => step.startsWith(name))).toEqual(
        [1, 2, 3, 4].map((number) => `${name}${number}`),
      );
  });

  it('lets a process do all that hangs on promises and turns before the next step of anybody', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const seen: string[] = [];
    const work = async (name: string): Promise<void> => {
      const process = world.addProcess({ name });
      for (let round = 0; round < 20; round += 1) {
        await process.step();
        seen.push(name);
        for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
        seen.push(name);
      }
    };
    await world.during(Promise.all([work('a'), work('b')]));
    for (let index = 0; index < seen.length; index += 2) expect(seen[index]).toBe(seen[index + 1]);
  });

  it('fires timers when they are due, and those of one process and time in their order', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const { clock } = world.addProcess({ name: 'a' });
    const seen: [number, number][] = [];
    const sleepers = [300, 100, 200, 100].map(async (delay, index) => {
      await clock.sleep(delay);
      seen.push([world.time, index]);
    });
    await world.during(Promise.all(sleepers));
    expect(seen).toEqual([
      [100, 1],
      [100, 3],
      [200, 2],
      [300, 0],
    ]);
  });

  it('moves time on only when nobody has anything left to do', async () => {
    const world = new VirtualWorld({ seed: 3 });
    const seen: string[] = [];
    const [a, b] = [world.addProcess({ name: 'a' }), world.addProcess({ name: 'b' })];
    const timer = b.clock.sleep(1).then(() => seen.push('timer'));
    await world.during(Promise.all([timer, walk(a, 10, seen)]));
    expect(seen.at(-1)).toBe('timer');
  });

  it('lets steps take time where they should', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const slow = world.addProcess({ name: 'slow', stepDelayMs: (label) => (label === 'force' ? 5_000 : 0) });
    await world.during(slow.step('read'));
    expect(world.time).toBe(0);
    await world.during(slow.step('force'));
    expect(world.time).toBe(5_000);
  });
});

describe('a run of a virtual world', () => {
  it('ends when nothing is left that could happen', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const seen: string[] = [];
    const process = world.addProcess({ name: 'a' });
    void process.clock.sleep(50).then(() => walk(process, 2, seen));
    expect(await world.run(HOUR_MS)).toBe('idle');
    expect([world.time, seen]).toEqual([50, ['a1', 'a2']]);
  });

  it('ends at its limit, and goes on from there', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const { clock } = world.addProcess({ name: 'a' });
    let beats = 0;
    const beat = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(2_000);
        beats += 1;
      }
    };
    void beat();
    expect(await world.run(9_000)).toBe('limit');
    expect([world.time, beats]).toEqual([9_000, 4]);
    await world.pass(1_000);
    expect([world.time, beats]).toEqual([10_000, 5]);
  });

  it('says so when what it waits for cannot end, and hands on how it failed', async () => {
    const world = new VirtualWorld({ seed: 9 });
    const { clock } = world.addProcess({ name: 'a' });
    await expect(world.during(new Promise(() => undefined))).rejects.toThrow('nothing is left that could happen');
    await expect(world.during(clock.sleep(10), 5)).rejects.toThrow(
      '5 ms have passed, and the work has not ended (seed 9',
    );
    const failing = clock.sleep(1).then(() => Promise.reject(new Error('of the work')));
    await expect(world.during(failing)).rejects.toThrow('of the work');
  });

  it('is one at a time', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const run = world.pass(10);
    await expect(world.run(1)).rejects.toThrow('a world runs already');
    await run;
  });

  it('names each event before it happens', async () => {
    const events: Event[] = [];
    const world = new VirtualWorld({ seed: 1, beforeEvent: (event) => events.push(event) });
    const process = world.addProcess({ name: 'a' });
    await world.during(process.step('link'));
    await world.during(process.clock.sleep(20));
    await world.pass(5);
    expect(events).toEqual([
      { at: 0, process: 'a', label: 'link' },
      { at: 20, process: 'a', label: 'sleep' },
      { at: 25, process: 'outside', label: 'sleep' },
    ]);
  });
});

describe('the clock of a process in a virtual world', () => {
  it('has its own offset, drift and dice', async () => {
    const world = new VirtualWorld({ seed: 1, startsAt: 1_000_000 });
    const right = world.addProcess({ name: 'right' });
    const wrong = world.addProcess({ name: 'wrong', offsetMs: -500, drift: 0.01 });
    await world.pass(100_000);
    expect([right.clock.now(), right.clock.monotonic()]).toEqual([1_100_000, 100_000]);
    expect([wrong.clock.now(), wrong.clock.monotonic()]).toEqual([1_100_500, 101_000]);
    expect(right.clock.random()).not.toBe(wrong.clock.random());
  });

  it('runs its timers as fast as it runs itself', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const fast = world.addProcess({ name: 'fast', drift: 0.25 });
    await world.during(fast.clock.sleep(1_000));
    expect(world.time).toBe(800);
    expect(fast.clock.monotonic()).toBe(1_000);
  });

  it('jumps without its timers or its monotonic time', async () => {
    const world = new VirtualWorld({ seed: 1, startsAt: 0 });
    const process = world.addProcess({ name: 'a' });
    const sleeping = process.clock.sleep(1_000);
    await world.pass(400);
    process.jump(-HOUR_MS);
    expect([process.clock.now(), process.clock.monotonic()]).toEqual([400 - HOUR_MS, 400]);
    await world.during(sleeping);
    expect(world.time).toBe(1_000);
  });

  it('goes on by the wall only while the machine sleeps', async () => {
    const world = new VirtualWorld({ seed: 1, startsAt: 0 });
    const process = world.addProcess({ name: 'a' });
    const sleeping = process.clock.sleep(1_000);
    await world.pass(400);
    process.fallAsleep();
    await world.pass(HOUR_MS);
    process.wakeUp();
    expect([process.clock.now(), process.clock.monotonic()]).toEqual([HOUR_MS + 400, 400]);
    await world.during(sleeping);
    expect(world.time).toBe(HOUR_MS + 1_000);
  });

  it('waits for no longer than Node does', async () => {
    const world = new VirtualWorld({ seed: 1 });
    void world.addProcess({ name: 'a' }).clock.sleep(Number.POSITIVE_INFINITY);
    expect(await world.run(Number.POSITIVE_INFINITY)).toBe('idle');
    expect(world.time).toBe(2 ** 31 - 1);
  });

  it('ends a sleep when its signal is aborted, and takes deadlines back', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const { clock } = world.addProcess({ name: 'a' });
    const { signal, clear } = clock.deadline(100);
    const { signal: longer, clear: clearLonger } = clock.deadline(HOUR_MS);
    await expect(world.during(clock.sleep(1_000, signal))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(world.time).toBe(100);
    await expect(clock.sleep(1, signal)).rejects.toBe(signal.reason);
    clear();
    clearLonger();
    expect(await world.run(2 * HOUR_MS)).toBe('idle');
    expect([world.time, longer.aborted]).toEqual([100, false]);
  });
});

describe('a process that is stopped', () => {
  it('does nothing while it is frozen, and what is overdue afterwards', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const process = world.addProcess({ name: 'a' });
    const seen: string[] = [];
    void process.clock.sleep(10).then(() => seen.push('timer'));
    void walk(process, 2, seen);
    process.freeze();
    await world.pass(5_000);
    expect(seen).toEqual([]);
    expect(process.clock.monotonic()).toBe(5_000);
    process.thaw();
    await world.run(0);
    expect(world.time).toBe(5_000);
    expect([...seen].sort()).toEqual(['a1', 'a2', 'timer']);
  });

  it('never goes on when it was killed: neither steps nor timers nor aborted waits', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const process = world.addProcess({ name: 'a' });
    const controller = new AbortController();
    let ended = 0;
    const count = (): void => {
      ended += 1;
    };
    const signals = [process.clock.deadline(30).signal];
    for (const work of [process.step(), process.clock.sleep(10), process.clock.sleep(10, controller.signal)])
      work.then(count, count);
    process.kill();
    controller.abort();
    signals.push(process.clock.deadline(30).signal);
    for (const work of [process.step(), process.clock.sleep(10), process.clock.sleep(10, controller.signal)])
      work.then(count, count);
    expect(await world.run(HOUR_MS)).toBe('idle');
    expect([ended, signals.some(({ aborted }) => aborted), process.isKilled]).toEqual([0, false, true]);
  });

  it('does not do what it was killed or frozen before', async () => {
    for (const stop of ['kill', 'freeze'] as const) {
      const seen: string[] = [];
      let steps = 0;
      const world = new VirtualWorld({
        seed: 1,
        beforeEvent() {
          steps += 1;
          if (steps === 3) process[stop]();
        },
      });
      const process = world.addProcess({ name: 'a' });
      void walk(process, 5, seen);
      await world.run(HOUR_MS);
      expect(seen).toEqual(['a1', 'a2']);
      process.thaw();
      await world.run(HOUR_MS);
      expect(seen).toHaveLength(stop === 'kill' ? 2 : 5);
    }
  });

  it('ends the wait of those who know that it may be killed', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const process = world.addProcess({ name: 'a' });
    expect(await world.during(process.unlessKilled(process.clock.sleep(5).then(() => 'done')))).toBe('done');
    const waiting = process.unlessKilled(process.clock.sleep(5));
    process.kill();
    expect(await world.during(waiting)).toBe('killed');
  });
});

describe('processes of a virtual world on one disk in memory', () => {
  const race = async (seed: number): Promise<{ winner: string; trace: string }> => {
    const trace: string[] = [];
    const world = new VirtualWorld({ seed, beforeEvent: ({ process, label }) => trace.push(`${process} ${label}`) });
    const disk = new MemoryDisk({ holds: { '/s/': '' }, now: world.outside.clock.now });
    const publish = async (name: string): Promise<string[]> => {
      const process = world.addProcess({ name });
      const files = disk.processView({ before: ({ call }) => process.step(call) });
      await files.create(`/s/${name}.part`, name, true);
      return files.link(`/s/${name}.part`, '/s/value').then(
        () => [name],
        () => [],
      );
    };
    const published = (await world.during(Promise.all(['a', 'b', 'c'].map(publish)))).flat();
    expect(published).toHaveLength(1);
    expect(disk.tree()['/s/value']).toBe(published[0]);
    return { winner: published[0] ?? '', trace: trace.join(', ') };
  };

  it('are in each other’s way in every order', async () => {
    const races = [];
    for (let seed = 1; seed <= 30; seed += 1) races.push(await race(seed));
    expect(new Set(races.map(({ winner }) => winner))).toEqual(new Set(['a', 'b', 'c']));
    expect(new Set(races.map(({ trace }) => trace)).size).toBe(30);
    expect(await race(7)).toEqual(races[6]);
  });

  it('can be killed before any operation, with what was done until then on the disk', async () => {
    const names = [];
    for (let at = 1; at <= 4; at += 1) {
      const world = new VirtualWorld({ seed: 1 });
      const process = world.addProcess({ name: 'a' });
      const disk = new MemoryDisk({ holds: { '/s/': '' } });
      let operations = 0;
      const files = disk.processView({
        async before({ call }) {
          operations += 1;
          if (operations === at) process.kill();
          await process.step(call);
        },
      });
      const work = files.create('/s/a', 'x', true).then(() => files.link('/s/a', '/s/b'));
      expect(await world.during(process.unlessKilled(work))).toBe('killed');
      names.push(disk.tree());
    }
    expect(names).toEqual([
      { '/s/': '' },
      { '/s/': '', '/s/a': '' },
      { '/s/': '', '/s/a': 'x' },
      { '/s/': '', '/s/a': 'x' },
    ]);
  });
});
