/** Signs of life in a virtual world: who counts as gone, and who never does. */
import { describe, expect, it } from 'vitest';
import type { Owner } from '../../src/core/ports.ts';
import { Heartbeats } from '../../src/storage/presence.ts';
import { QUIET } from '../unit/storage/engines.ts';
import { systemError } from './disk-tree.ts';
import { type DiskOptions, type Hooks, MemoryDisk } from './memory-disk.ts';
import type { ProcessOptions, VirtualProcess } from './virtual-process.ts';
import { VirtualWorld } from './virtual-world.ts';

const HOUR_MS = 60 * 60_000;
/** Within which one that was killed counts as gone. */
const KNOWN_WITHIN_MS = 15_000;
const FOLDER = '/state/heartbeats';

type Living = { process: VirtualProcess; liveness: Heartbeats; owner: Owner };

class Story {
  readonly world: VirtualWorld;
  readonly disk: MemoryDisk;
  #count = 0;

  constructor(seed = 1, options: DiskOptions = {}) {
    this.world = new VirtualWorld({ seed });
    this.disk = new MemoryDisk({ holds: { '/state/': '' }, now: this.world.outside.clock.now, ...options });
  }

  /** One more process; all of them have the same number and host name. */
  add(options: Partial<ProcessOptions> = {}, hooks: Hooks = {}): Living {
    this.#count += 1;
    const name = `p${this.#count}`;
    const process = this.world.addProcess({ name, ...options });
    const before: Hooks['before'] = async (operation) => {
      await process.step(operation.call);
      await hooks.before?.(operation);
    };
    const owner = { pid: 7, host: 'container', session: name };
    const files = this.disk.processView({ ...hooks, before });
    return { process, owner, liveness: new Heartbeats(owner, FOLDER, { files, clock: process.clock, log: QUIET }) };
  }

  begin({ liveness }: Living): Promise<() => void> {
    return this.world.during(liveness.begin());
  }

  stateOf(watcher: Living, { owner }: Living): Promise<'alive' | 'silent'> {
    return this.world.during(watcher.liveness.stateOf(owner));
  }

  /** Asks every half second. @returns after how long it was silent; `undefined` when it never was */
  async silentAfter(watcher: Living, owner: Living, withinMs: number): Promise<number | undefined> {
    const began = this.world.time;
    while (this.world.time - began <= withinMs) {
      if ((await this.stateOf(watcher, owner)) === 'silent') return this.world.time - began;
      await this.world.pass(500);
    }
    return undefined;
  }
}

const SEEDS = [1, 2, 3, 4, 5];

describe('an owner', () => {
  it.each(SEEDS)('that beats is alive for hours, whoever watches it by whatever clock (seed %i)', async (seed) => {
    const story = new Story(seed);
    const owner = story.add({ offsetMs: -3 * HOUR_MS, drift: 0.02 });
    const watchers = [story.add(), story.add({ offsetMs: 25 * HOUR_MS, drift: -0.02 })];
    await story.begin(owner);
    for (const watcher of watchers) {
      expect(await story.silentAfter(watcher, owner, 5 * 60_000)).toBeUndefined();
      owner.process.jump(HOUR_MS);
      watcher.process.jump(-HOUR_MS);
    }
  });

  it.each(SEEDS)('that was killed is silent within 15 s, and stays so (seed %i)', async (seed) => {
    for (const watchedBefore of [0, 700, 30_000]) {
      const story = new Story(seed);
      const [owner, watcher, other] = [story.add(), story.add(), story.add()];
      await story.begin(owner);
      if (watchedBefore > 0) expect(await story.silentAfter(watcher, owner, watchedBefore)).toBeUndefined();
      owner.process.kill();
      const after = await story.silentAfter(watcher, owner, 60_000);
      expect(after).toBeGreaterThan(5_000);
      expect(after).toBeLessThanOrEqual(KNOWN_WITHIN_MS);
      // Nobody else has to find out again.
      await story.world.pass(10);
      expect(await story.stateOf(other, owner)).toBe('silent');
      await story.world.pass(HOUR_MS);
      expect(await story.stateOf(watcher, owner)).toBe('silent');
      expect(Object.keys(story.disk.tree()).filter((path) => path.startsWith(`${FOLDER}/p`))).toEqual([]);
    }
  });

  it.each(SEEDS)('that ends in order is silent at once, wherever it was (seed %i)', async (seed) => {
    for (let delay = 0; delay <= 4_000; delay += 400) {
      const story = new Story(seed);
      const [owner, watcher] = [story.add({ stepDelayMs: () => 300 }), story.add()];
      void owner.liveness.begin();
      await story.world.pass(delay);
      await story.world.during(owner.liveness.close());
      expect(await story.stateOf(watcher, owner)).toBe('silent');
      await story.world.pass(10_000);
      expect(await story.stateOf(watcher, owner)).toBe('silent');
    }
  });

  it('that has nothing unsettled any more shows no beat after two seconds, and another one with its next work', async () => {
    const story = new Story();
    const [owner, watcher] = [story.add(), story.add()];
    const [first, second] = [await story.begin(owner), await story.begin(owner)];
    first();
    first();
    await story.world.pass(5_000);
    expect(await story.stateOf(watcher, owner)).toBe('alive');
    second();
    await story.world.pass(2_500);
    expect(await story.stateOf(watcher, owner)).toBe('silent');
    await story.begin(owner);
    expect(await story.silentAfter(watcher, owner, 30_000)).toBeUndefined();
  });

  it('that only stood still is silent, and alive again after its next beat', async () => {
    const story = new Story();
    const [owner, watcher] = [story.add(), story.add()];
    await story.begin(owner);
    owner.process.freeze();
    expect(await story.silentAfter(watcher, owner, 20_000)).toBeDefined();
    owner.process.thaw();
    await story.world.pass(2_500);
    expect(await story.silentAfter(watcher, owner, 60_000)).toBeUndefined();
  });

  it('is told from another one by nothing but its session', async () => {
    const story = new Story();
    const [dead, alive, watcher] = [story.add(), story.add(), story.add()];
    await story.begin(dead);
    await story.begin(alive);
    dead.process.kill();
    expect(await story.silentAfter(watcher, dead, KNOWN_WITHIN_MS)).toBeDefined();
    expect(await story.stateOf(watcher, alive)).toBe('alive');
    expect(await story.stateOf(watcher, watcher)).toBe('alive');
    expect(await story.stateOf(watcher, { ...alive, owner: { ...alive.owner, pid: 1, host: 'elsewhere' } })).toBe(
      'alive',
    );
    expect(await story.stateOf(watcher, { ...alive, owner: { ...alive.owner, session: 'another' } })).toBe('silent');
  });
});

describe('a watcher', () => {
  it('that slept with the whole machine takes nobody for gone', async () => {
    const story = new Story();
    const [owner, watcher] = [story.add(), story.add()];
    await story.begin(owner);
    await story.silentAfter(watcher, owner, 3_000);
    for (let night = 0; night < 10; night += 1) {
      for (const { process } of [owner, watcher]) process.fallAsleep();
      await story.world.pass(HOUR_MS);
      // Whoever wakes up first looks before the other one beats.
      watcher.process.wakeUp();
      await story.world.pass(1_000);
      owner.process.wakeUp();
      expect(await story.silentAfter(watcher, owner, 3_000)).toBeUndefined();
    }
  });

  it('that was stopped with the owner takes it for nothing else when both go on', async () => {
    const story = new Story();
    const [owner, watcher] = [story.add(), story.add()];
    await story.begin(owner);
    await story.silentAfter(watcher, owner, 3_000);
    for (const { process } of [owner, watcher]) process.freeze();
    await story.world.pass(HOUR_MS);
    for (const { process } of [watcher, owner]) process.thaw();
    expect(await story.silentAfter(watcher, owner, 30_000)).toBeUndefined();
  });

  it('whose looks are further apart than four seconds proves nothing', async () => {
    const story = new Story();
    const owner = story.add();
    const watcher = story.add({ stepDelayMs: (call) => (call === 'list' ? 3_000 : 0) });
    await story.begin(owner);
    owner.process.kill();
    expect(await story.silentAfter(watcher, owner, 120_000)).toBeUndefined();
  });

  it('that cannot read the folder takes nobody for gone', async () => {
    const story = new Story();
    let isBroken = false;
    const owner = story.add();
    const watcher = story.add(
      {},
      {
        async before({ call, path }) {
          if (isBroken && call === 'list') throw systemError('EIO', path);
        },
      },
    );
    await story.begin(owner);
    isBroken = true;
    owner.process.kill();
    expect(await story.silentAfter(watcher, owner, 60_000)).toBeUndefined();
    isBroken = false;
    expect(await story.silentAfter(watcher, owner, KNOWN_WITHIN_MS)).toBeDefined();
  });

  it('finds an owner whose file is renamed while the folder is listed', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const story = new Story(seed, { tornLists: true, seed });
      const owner = story.add();
      const watcher = story.add({ stepDelayMs: (call) => (call === 'list-end' ? 90 : 0) });
      await story.begin(owner);
      expect(await story.silentAfter(watcher, owner, 30_000), `seed ${seed}`).toBeUndefined();
    }
  });
});

describe('a beat', () => {
  it('that could not be written is made up for by the next one', async () => {
    for (const moment of ['before', 'after'] as const) {
      const story = new Story();
      let failing = 0;
      const owner = story.add(
        {},
        {
          async [moment]({ call, path }: { call: string; path: string }) {
            if (!['rename', 'open'].includes(call) || failing === 0) return;
            failing -= 1;
            throw systemError('EIO', path);
          },
        },
      );
      const watcher = story.add();
      await story.begin(owner);
      for (let round = 0; round < 5; round += 1) {
        failing = 2;
        expect(await story.silentAfter(watcher, owner, 20_000), moment).toBeUndefined();
      }
      await story.world.during(owner.liveness.close());
      expect(await story.stateOf(watcher, owner)).toBe('silent');
    }
  });

  it('that cannot be written at all stops the work before it begins', async () => {
    const story = new Story();
    const owner = story.add(
      {},
      {
        async before({ call, path }) {
          if (call === 'open') throw systemError('ENOSPC', path);
        },
      },
    );
    await expect(story.begin(owner)).rejects.toMatchObject({
      failure: { kind: 'storage_failed', reason: { code: 'state_not_kept', path: FOLDER, error: 'ENOSPC' } },
    });
  });
});
