/**
 * A disk in memory for several processes of one simulation, which knows what would be left after a power failure.
 *
 * It has names and files as every process sees them, and what of it was forced to the disk. The bytes of a file survive
 * once they were forced; a name survives once its folder was synced, and can be found only when the names of the folders
 * above it have survived, too. Everything else may survive, or may not (`crashStates` in crash-states.ts).
 *
 * What this model cannot know of real file systems:
 * - hardware that lies: a cache that says "written" too early, torn sectors, bits that rot, what was forced and is lost.
 * - an fsync that fails once and succeeds when it is repeated, although the bytes are gone. Here the repetition works.
 * - a journal that does better: ext4 and xfs often keep a new name when its file is forced, and replace by rename in
 *   order. No state here counts on that.
 * - blocks of deleted files that show through in a file whose bytes were not forced: they are zeros here.
 * - lost+found: a folder or file that no name leads to is gone.
 * - symbolic links, mounts, owners, permissions, quotas, names that differ only in case, too long or not allowed.
 * - Windows, where a file that somebody reads can be neither renamed nor removed, and network file systems, where other
 *   machines see changes late and a repeated request answers EEXIST to whoever made the link.
 * - open files: a file is opened, read whole and closed in one step. Writing takes three (open, write, force), so that
 *   others see the empty file; a write that fails leaves nothing or all of the text, never a part.
 * - a full disk. `before` may throw ENOSPC, at any moment, for any call.
 * - how long anything takes.
 */
import { posix } from 'node:path';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { createDice, type Dice } from '../crash/dice.ts';
import { type CrashOptions, type CrashState, crashStates } from './crash-states.ts';
import { DiskTree, isFolderNode } from './disk-tree.ts';

export type Call =
  | ('open' | 'write' | 'force' | 'read' | 'link' | 'rename')
  | ('list' | 'list-end' | 'unlink' | 'rmdir' | 'stat' | 'mkdir' | 'sync');

/** What a process is about to do. `to`: the second path of `link` and `rename`. */
export type Operation = { call: Call; path: string; to?: string };

export type Hooks = {
  /** Awaited before each operation, which is not done when this rejects, and never when it never resolves. */
  before?: (operation: Operation) => Promise<void>;
  /** Awaited after it was done: who rejects here reports an error for what has taken effect. */
  after?: (operation: Operation) => Promise<void>;
};

export type DiskOptions = {
  /** What has always been there: texts by absolute path; a path that ends with a slash is a folder. As `tree` gives it. */
  holds?: Readonly<Record<string, string>>;
  /** The time of the disk, for `mtimeMs`. */
  now?: () => number;
  /** Without hard links, as on exFAT: `link` is refused with EPERM. */
  hasLinks?: boolean;
  /**
   * POSIX leaves open whether a listing has what is added or removed while it is read. Linux reads some hundred names
   * in one step, so that only large folders are listed this way.
   */
  tornLists?: boolean;
  /** For `tornLists`. */
  seed?: number;
};

export class MemoryDisk {
  readonly #options: DiskOptions;
  readonly #dice: Dice;
  #tree: DiskTree;

  constructor(options: DiskOptions = {}) {
    const { holds = {}, now = () => 0, hasLinks = true, seed = 1 } = options;
    this.#options = options;
    this.#dice = createDice(seed);
    this.#tree = new DiskTree(now, hasLinks);
    for (const [path, text] of Object.entries(holds)) this.#tree.put(path, text);
  }

  /** What one process sees, and what happens before and after its operations. */
  processView({ before, after }: Hooks = {}): FileSystem {
    async function step<Value>(operation: Operation, work: () => Value): Promise<Value> {
      await before?.(operation);
      const value = work();
      await after?.(operation);
      return value;
    }

    const remove = async (path: string): Promise<void> => {
      const folder = this.#tree.find(path);
      if (!isFolderNode(folder)) return step({ call: 'unlink', path }, () => this.#tree.unlink(path));
      for (const name of [...folder.entries.keys()]) {
        await remove(posix.join(path, name)).catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
        });
      }
      return step({ call: 'rmdir', path }, () => this.#tree.removeFolder(path));
    };

    return {
      create: async (path, text, durable) => {
        const file = await step({ call: 'open', path }, () => this.#tree.open(path));
        await step({ call: 'write', path }, () => this.#tree.write(file, text));
        if (durable)
          await step({ call: 'force', path }, () => {
            file.isForced = true;
          });
      },
      readText: (path) =>
        step({ call: 'read', path }, () => {
          const node = this.#tree.find(path);
          return isFolderNode(node) ? undefined : node?.text;
        }),
      link: (from, to) => step({ call: 'link', path: from, to }, () => this.#tree.link(from, to)),
      rename: (from, to) => step({ call: 'rename', path: from, to }, () => this.#tree.rename(from, to)),
      list: async (path) => {
        const [folder, first] = await step({ call: 'list', path }, () => {
          const opened = this.#tree.folder(path);
          return [opened, [...opened.entries.keys()]];
        });
        if (!this.#options.tornLists) return first;
        const last = await step({ call: 'list-end', path }, () => [...folder.entries.keys()]);
        const isSteady = (name: string): boolean => first.includes(name) && last.includes(name);
        return [...new Set([...first, ...last])].filter((name) => isSteady(name) || this.#dice.chance(0.5));
      },
      remove,
      stat: (path) =>
        step({ call: 'stat', path }, () => {
          const node = this.#tree.find(path);
          if (node === undefined) return undefined;
          const isFolder = isFolderNode(node);
          return { ino: node.ino, size: isFolder ? 0 : Buffer.byteLength(node.text), mtimeMs: node.mtimeMs, isFolder };
        }),
      makeFolder: (path) => step({ call: 'mkdir', path }, () => this.#tree.makeFolder(path)),
      syncFolder: (path) => step({ call: 'sync', path }, () => this.#tree.sync(this.#tree.folder(path))),
    };
  }

  /**
   * Each state that a power failure at this moment may leave, as a disk of its own. None comes twice. Take them before
   * anything else happens on this disk.
   */
  crashStates(options: CrashOptions = {}): Generator<CrashState<MemoryDisk>> {
    return crashStates(this.#tree, options, (left) => {
      const disk = new MemoryDisk(this.#options);
      disk.#tree.adopt(left);
      return disk;
    });
  }

  /** The power has failed, and this is left: whoever uses the disk finds what `crashStates` made of it. */
  comeBackAs(left: MemoryDisk): void {
    this.#tree = left.#tree;
  }

  /** Texts by path, as the processes see them; paths of folders end with a slash and have an empty text. */
  tree(): Record<string, string> {
    return this.#tree.tree();
  }
}
