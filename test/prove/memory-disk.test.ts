import { describe, expect, it } from 'vitest';
import { errorCode } from '../../src/storage/disk-errors.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { CRASH_KINDS, type CrashOptions } from './crash-states.ts';
import { systemError } from './disk-tree.ts';
import { faultyHooks } from './faults.ts';
import { type Hooks, MemoryDisk, type Operation } from './memory-disk.ts';

type Tree = Record<string, string>;

/** A durable folder `/s/` to work in. */
async function diskAfter(work: (files: FileSystem) => Promise<void>, holds: Tree = {}): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ holds: { '/s/': '', ...holds } });
  await work(disk.processView());
  return disk;
}

function statesOf(disk: MemoryDisk, kind: (typeof CRASH_KINDS)[number], options: CrashOptions = {}): Tree[] {
  return [...disk.crashStates({ draws: 200, ...options, kinds: [kind] })].map((state) => state.disk.tree());
}

const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', errorCode);

describe('what is left on a disk in memory after a power failure', () => {
  it('is nothing of a file that was never forced, all of it, or its name with any bytes', async () => {
    const disk = await diskAfter((files) => files.create('/s/new', 'twelve bytes', false));
    expect(statesOf(disk, 'all-synced')).toEqual([{ '/s/': '', '/s/new': 'twelve bytes' }]);
    expect(statesOf(disk, 'forced-only')).toEqual([{ '/s/': '' }]);
    const [none, whole, empty, cut, damaged, ...others] = statesOf(disk, 'journal').map((tree) => tree['/s/new']);
    expect([none, whole, empty]).toEqual([undefined, 'twelve bytes', '']);
    expect('twelve bytes'.startsWith(cut ?? '?')).toBe(true);
    expect(damaged).toHaveLength('twelve bytes'.length);
    expect(damaged).not.toBe('twelve bytes');
    expect(others).toEqual([]);
  });

  it('has all bytes of a forced file if it has its name, which forcing the file does not keep', async () => {
    const disk = await diskAfter((files) => files.create('/s/new', 'all', true));
    for (const kind of ['journal', 'folders', 'names'] as const)
      expect(new Set(statesOf(disk, kind).map((tree) => tree['/s/new']))).toEqual(new Set([undefined, 'all']));
  });

  it('has the name after its folder was synced, and of an unforced file the name alone', async () => {
    const disk = await diskAfter(async (files) => {
      await files.create('/s/forced', 'all', true);
      await files.create('/s/other', 'some', false);
      await files.syncFolder('/s');
    });
    expect(statesOf(disk, 'forced-only')).toEqual([{ '/s/': '', '/s/forced': 'all', '/s/other': '' }]);
    for (const kind of CRASH_KINDS)
      for (const tree of statesOf(disk, kind)) expect(Object.keys(tree)).toEqual(['/s/', '/s/forced', '/s/other']);
  });

  it('may lack a forced and linked file as long as its folder was not synced', async () => {
    const disk = await diskAfter(async (files) => {
      await files.create('/s/a.part', 'value', true);
      await files.link('/s/a.part', '/s/a.1.json');
    });
    expect(statesOf(disk, 'forced-only')).toEqual([{ '/s/': '' }]);
    expect(statesOf(disk, 'journal')).toEqual([
      { '/s/': '' },
      { '/s/': '', '/s/a.part': 'value' },
      { '/s/': '', '/s/a.part': 'value', '/s/a.1.json': 'value' },
    ]);
    expect(statesOf(disk, 'names')).toContainEqual({ '/s/': '', '/s/a.1.json': 'value' });
  });

  it('keeps a published version whether or not its half-written file was removed', async () => {
    const disk = await diskAfter(async (files) => {
      await files.create('/s/a.part', 'value', true);
      await files.link('/s/a.part', '/s/a.1.json');
      await files.syncFolder('/s');
      await files.remove('/s/a.part');
    });
    for (const kind of CRASH_KINDS)
      for (const tree of statesOf(disk, kind)) expect(tree['/s/a.1.json'], kind).toBe('value');
    expect(statesOf(disk, 'journal')).toHaveLength(2);
  });

  it('may lack both versions when the older one was removed before the folder was synced', async () => {
    const disk = await diskAfter(
      async (files) => {
        await files.create('/s/a.2.json', 'new', true);
        await files.remove('/s/a.1.json');
      },
      { '/s/a.1.json': 'old' },
    );
    expect(statesOf(disk, 'names')).toContainEqual({ '/s/': '' });
    // Not where the order is kept.
    for (const kind of ['journal', 'folders'] as const) expect(statesOf(disk, kind)).not.toContainEqual({ '/s/': '' });
  });

  it('lacks what lies in a new folder whose own name was not synced', async () => {
    const work = (syncParent: boolean) =>
      diskAfter(async (files) => {
        await files.makeFolder('/s/new');
        if (syncParent) await files.syncFolder('/s');
        await files.create('/s/new/record', 'key', true);
        await files.syncFolder('/s/new');
      });
    expect(statesOf(await work(false), 'forced-only')).toEqual([{ '/s/': '' }]);
    expect(statesOf(await work(false), 'names')).toContainEqual({ '/s/': '' });
    // A journal that has the later change has the earlier one.
    expect(statesOf(await work(false), 'journal')).toEqual([{ '/s/': '', '/s/new/': '', '/s/new/record': 'key' }]);
    for (const kind of CRASH_KINDS)
      expect(statesOf(await work(true), kind)).toEqual([{ '/s/': '', '/s/new/': '', '/s/new/record': 'key' }]);
  });

  it('has after a rename the old name, the new one, both or none', async () => {
    const disk = await diskAfter((files) => files.rename('/s/old', '/s/new'), { '/s/old': 'text' });
    const trees = statesOf(disk, 'names').map(({ '/s/': _, ...names }) => names);
    expect(trees).toHaveLength(4);
    for (const names of [{}, { '/s/old': 'text' }, { '/s/new': 'text' }, { '/s/old': 'text', '/s/new': 'text' }])
      expect(trees).toContainEqual(names);
    for (const kind of ['journal', 'folders'] as const) expect(statesOf(disk, kind)).toHaveLength(2);
  });

  it('has after a rename to another folder either half, when one of the folders was synced', async () => {
    const move = (synced: string) =>
      diskAfter(
        async (files) => {
          await files.rename('/s/a/file', '/s/b/file');
          await files.syncFolder(synced);
        },
        { '/s/a/file': 'text', '/s/b/': '' },
      );
    expect((await move('/s/b')).tree()['/s/b/file']).toBe('text');
    expect(statesOf(await move('/s/b'), 'forced-only')[0]).toMatchObject({ '/s/a/file': 'text', '/s/b/file': 'text' });
    expect(statesOf(await move('/s/a'), 'forced-only')).toEqual([{ '/s/': '', '/s/a/': '', '/s/b/': '' }]);
    expect(statesOf(await move('/s/a'), 'journal')).toEqual([(await move('/s/a')).tree()]);
  });

  it('replaces a forced file by a rename as a whole, or not', async () => {
    const disk = await diskAfter(
      async (files) => {
        await files.create('/s/part', 'new', true);
        await files.rename('/s/part', '/s/file');
      },
      { '/s/file': 'old' },
    );
    for (const kind of CRASH_KINDS)
      for (const tree of statesOf(disk, kind)) expect(['old', 'new'], kind).toContain(tree['/s/file']);
  });

  it('never has one folder under two names', async () => {
    const disk = await diskAfter((files) => files.rename('/s/a', '/s/b'), { '/s/a/file': 'text' });
    for (const tree of statesOf(disk, 'names'))
      expect(Object.keys(tree).filter((path) => path.endsWith('/file')).length).toBeLessThan(2);
  });

  it('keeps the first changes of each folder and mixes those of several', async () => {
    const disk = await diskAfter(
      async (files) => {
        for (const path of ['/s/a/1', '/s/b/1', '/s/a/2', '/s/b/2']) await files.create(path, 'x', true);
      },
      { '/s/a/': '', '/s/b/': '' },
    );
    const trees = statesOf(disk, 'folders');
    expect(trees).toHaveLength(9);
    for (const tree of trees)
      for (const folder of ['a', 'b']) if (`/s/${folder}/2` in tree) expect(tree).toHaveProperty([`/s/${folder}/1`]);
    expect(statesOf(disk, 'names')).toHaveLength(16);
    expect(statesOf(disk, 'journal')).toHaveLength(5);
  });

  it('never brings back what was forced to be gone', async () => {
    const disk = await diskAfter(async (files) => {
      await files.create('/s/a', 'x', true);
      await files.remove('/s/a');
      await files.syncFolder('/s');
    });
    for (const kind of CRASH_KINDS) expect(statesOf(disk, kind), kind).toEqual([{ '/s/': '' }]);
  });

  it('keeps the numbers of files, but never one for two files, and counts their names', async () => {
    const disk = await diskAfter(
      async (files) => {
        await files.remove('/s/old');
        await files.create('/s/new', 'x', true);
        await files.link('/s/new', '/s/also');
      },
      { '/s/old': 'x' },
    );
    let together = 0;
    for (const state of disk.crashStates({ kinds: ['names'], draws: 50 })) {
      const files = state.disk.processView();
      const numbers = async () => Promise.all(['old', 'new', 'also'].map((name) => files.stat(`/s/${name}`)));
      const [old, first, second] = (await numbers()).map((found) => found?.ino);
      if (first === undefined || second === undefined) continue;
      together += 1;
      expect(second).toBe(first);
      expect(old).not.toBe(first);
      // The number is free again when the last of its names is gone.
      await files.remove('/s/new');
      await files.create('/s/other', '', false);
      expect((await files.stat('/s/other'))?.ino).not.toBe(first);
      await files.remove('/s/also');
      await files.create('/s/another', '', false);
      expect((await files.stat('/s/another'))?.ino).toBe(first);
    }
    expect(together).toBe(2);
  });

  it('comes as disks that are independent, all forced, and known by their names', async () => {
    const disk = await diskAfter((files) => files.create('/s/new', 'x', true));
    const states = [...disk.crashStates()];
    expect(states.map(({ name }) => name)).toEqual(['all-synced', 'forced-only']);
    const [first, second] = states;
    await first?.disk.processView().create('/s/more', 'y', false);
    expect(first && statesOf(first.disk, 'forced-only')).toEqual([{ '/s/': '', '/s/new': 'x' }]);
    expect(second?.disk.tree()).toEqual({ '/s/': '' });
    expect(disk.tree()).toEqual({ '/s/': '', '/s/new': 'x' });
  });

  it('is the same for the same seed', async () => {
    const disk = await diskAfter(async (files) => {
      for (const name of 'abcdef') await files.create(`/s/${name}`, name.repeat(9), false);
    });
    const draw = (seed: number) => [...disk.crashStates({ seed })].map((state) => [state.name, state.disk.tree()]);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
});

describe('what one process sees of a disk in memory', () => {
  const recorded = (): { operations: Operation[]; hooks: Hooks } => {
    const operations: Operation[] = [];
    return { operations, hooks: { before: async (operation) => void operations.push(operation) } };
  };

  it('is done call by call', async () => {
    const disk = new MemoryDisk({ holds: { '/s/folder/file': '' } });
    const { operations, hooks } = recorded();
    const files = disk.processView(hooks);
    await files.create('/s/a', 'x', true);
    await files.link('/s/a', '/s/b');
    await files.remove('/s/folder');
    expect(operations).toEqual([
      { call: 'open', path: '/s/a' },
      { call: 'write', path: '/s/a' },
      { call: 'force', path: '/s/a' },
      { call: 'link', path: '/s/a', to: '/s/b' },
      { call: 'unlink', path: '/s/folder/file' },
      { call: 'rmdir', path: '/s/folder' },
    ]);
  });

  it('stops at the operation that must wait, while others see what was done before it', async () => {
    const disk = new MemoryDisk({ holds: { '/s/': '' } });
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const frozen = disk.processView({ before: ({ call }) => (call === 'write' ? gate : Promise.resolve()) });
    const writing = frozen.create('/s/a', 'text', false);
    const other = disk.processView();
    expect(await other.readText('/s/a')).toBe('');
    await other.remove('/s/a');
    open();
    // It writes into the file that it holds, which no name leads to.
    await writing;
    expect(disk.tree()).toEqual({ '/s/': '' });
  });

  it('has the effect of an operation that fails only afterwards', async () => {
    const disk = new MemoryDisk({ holds: { '/s/': '' } });
    const fail = async ({ call, path }: Operation): Promise<void> => {
      if (call === 'force' || call === 'rename') throw systemError('EIO', path);
    };
    const [before, late] = [disk.processView({ before: fail }), disk.processView({ after: fail })];
    expect(await codeOf(before.create('/s/a', 'text', true))).toBe('EIO');
    expect(await codeOf(late.create('/s/b', 'text', true))).toBe('EIO');
    expect(await codeOf(before.rename('/s/a', '/s/c'))).toBe('EIO');
    await disk.processView().syncFolder('/s');
    expect(statesOf(disk, 'forced-only')).toEqual([{ '/s/': '', '/s/a': '', '/s/b': 'text' }]);
    expect(await codeOf(late.rename('/s/a', '/s/c'))).toBe('EIO');
    expect(Object.keys(disk.tree())).toEqual(['/s/', '/s/b', '/s/c']);
  });

  it('has no second names where there are no hard links', async () => {
    const files = new MemoryDisk({ holds: { '/a': 'x', '/b': 'y' }, hasLinks: false }).processView();
    expect(await codeOf(files.link('/a', '/c'))).toBe('EPERM');
    expect(await codeOf(files.link('/a', '/b'))).toBe('EEXIST');
  });

  it('shows the time of the disk, and gives numbers of files that are gone to new ones', async () => {
    let now = 1_000;
    const files = new MemoryDisk({ holds: { '/a': 'ä' }, now: () => now }).processView();
    const old = await files.stat('/a');
    expect(old).toMatchObject({ size: 2, mtimeMs: 1_000, isFolder: false });
    await files.link('/a', '/b');
    await files.remove('/a');
    now = 2_000;
    await files.create('/a', '', false);
    expect((await files.stat('/b'))?.ino).toBe(old?.ino);
    expect((await files.stat('/a'))?.ino).not.toBe(old?.ino);
    await files.remove('/b');
    await files.create('/c', '', false);
    expect(await files.stat('/c')).toMatchObject({ ino: old?.ino, mtimeMs: 2_000 });
  });

  it('may miss or show what comes or goes while a folder is listed, if torn lists are wanted', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 50; seed += 1) {
      const disk = new MemoryDisk({ holds: { '/s/1': '', '/s/stays': '' }, tornLists: true, seed });
      const other = disk.processView();
      const list = disk.processView({
        async before({ call }) {
          if (call === 'list-end') await other.rename('/s/1', '/s/2');
        },
      });
      seen.add((await list.list('/s')).join(' '));
    }
    expect([...seen].sort()).toEqual(['1 stays', '1 stays 2', 'stays', 'stays 2']);
  });

  it('shows when a file was written, not when it was made', async () => {
    let now = 0;
    const disk = new MemoryDisk({ now: () => now });
    const files = disk.processView({
      async before({ call }) {
        now += call === 'write' ? 10 : 1;
      },
    });
    await files.create('/a', 'x', true);
    expect((await files.stat('/a'))?.mtimeMs).toBe(11);
  });

  it('never loses its root', async () => {
    const disk = new MemoryDisk({ holds: { '/a/b': '' } });
    expect(await codeOf(disk.processView().remove('/'))).toBe('EBUSY');
    expect(disk.tree()).toEqual({});
  });

  it('takes absolute paths only', async () => {
    await expect(new MemoryDisk().processView().list('here')).rejects.toThrow('absolute');
  });
});

describe('errors at chosen operations', () => {
  const outcomes = async (hooks: ReturnType<typeof faultyHooks>): Promise<string[]> => {
    const files = new MemoryDisk({ holds: { '/a': '' } }).processView(hooks);
    const results: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      results.push(await codeOf(files.readText('/a')), await codeOf(files.list('/')));
    }
    return results;
  };

  it('come as often as they should, at calls of one kind', async () => {
    const twice = faultyHooks({ code: 'EMFILE', at: 3, times: 2, moment: 'before' });
    expect(await outcomes(twice)).toEqual(['done', 'done', 'EMFILE', 'done', 'EMFILE', 'done', 'done', 'done']);
    expect(twice.failed()).toBe(2);
    const lasting = faultyHooks({ code: 'EIO', at: 2, times: Number.POSITIVE_INFINITY, moment: 'after' });
    expect(await outcomes(lasting)).toEqual(['done', 'EIO', 'done', 'EIO', 'done', 'EIO', 'done', 'EIO']);
  });

  it('come before or after the effect', async () => {
    for (const moment of ['before', 'after'] as const) {
      const disk = new MemoryDisk();
      const files = disk.processView(faultyHooks({ code: 'ENOSPC', at: 1, times: 1, moment }));
      expect(await codeOf(files.makeFolder('/a'))).toBe('ENOSPC');
      expect(disk.tree()).toEqual(moment === 'before' ? {} : { '/a/': '' });
    }
  });

  it('are counted without one', async () => {
    const none = faultyHooks();
    expect(new Set(await outcomes(none))).toEqual(new Set(['done']));
    expect(none.operations).toHaveLength(8);
    expect(none.failed()).toBe(0);
  });
});
