/** Which states a power failure may leave on a disk in memory, from the best case to the worst that POSIX allows. */
import { createDice, type Dice } from '../crash/dice.ts';
import {
  type Change,
  type DiskNode,
  type DiskTree,
  type FileNode,
  type FolderNode,
  isFolderNode,
} from './disk-tree.ts';

/** `name` says how it came about, so that it can be found again. */
export type CrashState<Disk> = { name: string; disk: Disk };

/**
 * - `all-synced`: everything that was done has reached the disk.
 * - `forced-only`: nothing has that was not forced, and files whose bytes were not forced are empty.
 * - `journal`: a file system that keeps the order of operations has kept the first of them, as many as it likes, and at
 *   least all up to the last one that was forced. Each is tried with whole, empty, cut and damaged files.
 * - `folders`: each folder has kept the first of its own changes, as many as it likes.
 * - `names`: each name has any of the nodes that it had since its folder was synced; a rename may have left both names,
 *   one of them, or none. The worst that POSIX allows: it is silent about everything that was not forced.
 */
export const CRASH_KINDS = ['all-synced', 'forced-only', 'journal', 'folders', 'names'] as const;
type CrashKind = (typeof CRASH_KINDS)[number];

export type CrashOptions = {
  kinds?: readonly CrashKind[];
  /** Of `folders` and `names`, and of the damage in files. */
  seed?: number;
  /** How many states of `folders` and `names` each are drawn; equal ones are left out. */
  draws?: number;
};

type Pending = Pick<DiskTree, 'root' | 'pending' | 'journalForced'>;

/** What became of the bytes of a file that were not forced. */
const DATA = ['whole', 'empty', 'cut', 'damaged'] as const;
type Data = (typeof DATA)[number];

type Draft = { name: string; isKept: (change: Change) => boolean; dataOf: () => Data };

/** @param restart makes a disk of what is left, on which all is forced */
export function* crashStates<Disk extends { tree(): Record<string, string> }>(
  disk: Pending,
  { kinds = CRASH_KINDS, seed = 1, draws = 20 }: CrashOptions,
  restart: (root: FolderNode) => Disk,
): Generator<CrashState<Disk>> {
  const dice = createDice(seed);
  const seen = new Set<string>();
  for (const kind of kinds) {
    for (const { name, isKept, dataOf } of DRAFTS[kind](disk, dice, draws)) {
      const left = restart(remaining(disk, isKept, (file) => textLeft(file, dataOf(), dice)));
      const tree = JSON.stringify(left.tree());
      if (seen.has(tree)) continue;
      seen.add(tree);
      yield { name, disk: left };
    }
  }
}

const DRAFTS: Record<CrashKind, (disk: Pending, dice: Dice, draws: number) => Generator<Draft>> = {
  *'all-synced'() {
    yield { name: 'all-synced', isKept: () => true, dataOf: () => 'whole' };
  },
  *'forced-only'() {
    yield { name: 'forced-only', isKept: () => false, dataOf: () => 'empty' };
  },
  *journal({ pending, journalForced }) {
    const open = new Set(pending.map(({ operation }) => operation).filter((operation) => operation > journalForced));
    for (const [index, last] of [journalForced, ...open].entries())
      for (const data of DATA) {
        const name = `journal: ${index} of ${open.size} operations, other files ${data}`;
        yield { name, isKept: ({ operation }) => operation <= last, dataOf: () => data };
      }
  },
  *folders({ pending }, dice, draws) {
    const folders = new Set(pending.map(({ folder }) => folder));
    for (let draw = 1; draw <= draws; draw += 1) {
      const kept = new Set<Change>();
      for (const folder of folders) {
        const changes = pending.filter((change) => change.folder === folder);
        const operations = [...new Set(changes.map(({ operation }) => operation))];
        const last = operations[dice.between(0, operations.length) - 1] ?? 0;
        for (const change of changes) if (change.operation <= last) kept.add(change);
      }
      yield { name: `folders: draw ${draw}`, isKept: (change) => kept.has(change), dataOf: () => anyOf(DATA, dice) };
    }
  },
  *names({ pending }, dice, draws) {
    for (let draw = 1; draw <= draws; draw += 1) {
      const kept = new Set(pending.filter(() => dice.chance(0.5)));
      yield { name: `names: draw ${draw}`, isKept: (change) => kept.has(change), dataOf: () => anyOf(DATA, dice) };
    }
  },
};

function anyOf<Value>(values: readonly Value[], dice: Dice): Value {
  return values[dice.between(0, values.length - 1)] as Value;
}

/** The tree that can be reached from the root. Two names of one file stay two names of it; a folder has one name. */
function remaining(
  { root, pending }: Pending,
  isKept: (change: Change) => boolean,
  textOf: (file: FileNode) => string,
): FolderNode {
  const copies = new Map<DiskNode, DiskNode>();

  function copyOfFile(file: FileNode): FileNode {
    return { ...file, text: textOf(file), isForced: true, links: 0 };
  }

  function copyOfFolder(folder: FolderNode): FolderNode {
    const left = new Map(folder.forced);
    for (const change of pending) {
      if (change.folder !== folder || !isKept(change)) continue;
      if (change.node === undefined) left.delete(change.name);
      else left.set(change.name, change.node);
    }
    const copy: FolderNode = { ...folder, links: 1, entries: new Map(), forced: new Map() };
    copies.set(folder, copy);
    for (const [name, node] of left) {
      const known = copies.get(node);
      // A check of the disk removes the second name of a folder.
      if (known !== undefined && isFolderNode(known)) continue;
      const child = known ?? (isFolderNode(node) ? copyOfFolder(node) : copyOfFile(node));
      copies.set(node, child);
      if (!isFolderNode(child)) child.links += 1;
      copy.entries.set(name, child);
      copy.forced.set(name, child);
    }
    return copy;
  }

  return copyOfFolder(root);
}

function textLeft({ text, isForced }: FileNode, data: Data, dice: Dice): string {
  if (isForced || data === 'whole') return text;
  if (data === 'empty') return '';
  const cut = text.slice(0, dice.between(0, text.length - 1));
  return data === 'cut' ? cut : cut.padEnd(text.length, '\0');
}
