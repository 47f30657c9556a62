/** Files and folders in memory, what of them was forced to the disk, and the calls of the system that change them. */
import { posix } from 'node:path';

/** `links`: how many names lead to it, as the processes see them. */
type Inode = { ino: number; mtimeMs: number; links: number };
export type FileNode = Inode & { text: string; isForced: boolean };
export type FolderNode = Inode & {
  /** What the processes see. */
  entries: Map<string, DiskNode>;
  /** What a power failure leaves. */
  forced: Map<string, DiskNode>;
};
export type DiskNode = FileNode | FolderNode;

/** One name that got another node, or none, and was not forced to the disk yet. A rename makes two changes. */
export type Change = { operation: number; folder: FolderNode; name: string; node: DiskNode | undefined };

export const isFolderNode = (node: DiskNode | undefined): node is FolderNode => node !== undefined && 'entries' in node;

export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export class DiskTree {
  readonly #now: () => number;
  readonly #hasLinks: boolean;
  readonly root: FolderNode;
  readonly #freeNumbers: number[] = [];
  #lastNumber = 0;
  #operations = 0;
  pending: Change[] = [];
  /** A journal that keeps the order has everything up to here. */
  journalForced = 0;

  constructor(now: () => number, hasLinks: boolean) {
    this.#now = now;
    this.#hasLinks = hasLinks;
    this.root = this.#newFolder();
  }

  /** Texts by path, as the processes see them; paths of folders end with a slash and have an empty text. */
  tree(): Record<string, string> {
    const found: [string, string][] = [];
    const walk = (folder: FolderNode, path: string): void => {
      for (const [name, node] of folder.entries) {
        if (isFolderNode(node)) {
          found.push([`${path}${name}/`, '']);
          walk(node, `${path}${name}/`);
        } else found.push([`${path}${name}`, node.text]);
      }
    };
    walk(this.root, '/');
    return Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #newFolder(): FolderNode {
    return { ...this.#newInode(), entries: new Map(), forced: new Map() };
  }

  #newInode(): Inode {
    return { ino: this.#newNumber(), mtimeMs: this.#now(), links: 0 };
  }

  /** As real file systems do it: a new file may have the number of one that is gone. */
  #newNumber(): number {
    return this.#freeNumbers.pop() ?? ++this.#lastNumber;
  }

  /** What has always been there. @param path ends with a slash for a folder */
  put(path: string, text: string): void {
    const steps = stepsOf(path);
    const file = path.endsWith('/') ? undefined : steps.pop();
    let folder = this.root;
    const keep = (name: string, node: DiskNode): void => {
      folder.entries.set(name, node);
      folder.forced.set(name, node);
      node.links = 1;
    };
    for (const name of steps) {
      if (!folder.entries.has(name)) keep(name, this.#newFolder());
      const next = folder.entries.get(name);
      if (!isFolderNode(next)) throw systemError('ENOTDIR', path);
      folder = next;
    }
    if (file === undefined) return;
    keep(file, { ...this.#newInode(), text, isForced: true });
  }

  /** Takes over what a power failure left: a file keeps its number, unless another one has it by now. */
  adopt(root: FolderNode): void {
    Object.assign(this.root, root);
    const nodes = new Set<DiskNode>([this.root]);
    for (const node of nodes) if (isFolderNode(node)) for (const child of node.entries.values()) nodes.add(child);
    const used = new Set<number>();
    this.#lastNumber = Math.max(...[...nodes].map(({ ino }) => ino));
    for (const node of nodes) {
      if (used.has(node.ino)) node.ino = ++this.#lastNumber;
      used.add(node.ino);
    }
    for (let ino = 1; ino < this.#lastNumber; ino += 1) if (!used.has(ino)) this.#freeNumbers.push(ino);
  }

  /** @throws ENOENT or ENOTDIR when what is above it is not there, or no folder */
  #place(path: string): { folder: FolderNode; name: string; node: DiskNode | undefined } {
    const steps = stepsOf(path);
    const name = steps.pop();
    if (name === undefined) return { folder: this.root, name: '.', node: this.root };
    let folder: DiskNode = this.root;
    for (const step of steps) {
      const next: DiskNode | undefined = folder.entries.get(step);
      if (next === undefined) throw systemError('ENOENT', path);
      if (!isFolderNode(next)) throw systemError('ENOTDIR', path);
      folder = next;
    }
    return { folder, name, node: folder.entries.get(name) };
  }

  #freePlace(path: string): { folder: FolderNode; name: string } {
    const place = this.#place(path);
    if (place.node !== undefined) throw systemError('EEXIST', path);
    return place;
  }

  #takenPlace(path: string): { folder: FolderNode; name: string; node: DiskNode } {
    const { folder, name, node } = this.#place(path);
    if (node === undefined) throw systemError('ENOENT', path);
    return { folder, name, node };
  }

  folder(path: string): FolderNode {
    const { node } = this.#takenPlace(path);
    if (!isFolderNode(node)) throw systemError('ENOTDIR', path);
    return node;
  }

  /** `undefined` when nothing is there, whatever the reason. */
  find(path: string): DiskNode | undefined {
    try {
      return this.#place(path).node;
    } catch {
      return undefined;
    }
  }

  makeFolder(path: string): void {
    const { folder, name } = this.#freePlace(path);
    this.#change([folder, name, this.#newFolder()]);
  }

  /** A new file without bytes. */
  open(path: string): FileNode {
    const { folder, name } = this.#freePlace(path);
    const file: FileNode = { ...this.#newInode(), text: '', isForced: false };
    this.#change([folder, name, file]);
    return file;
  }

  write(file: FileNode, text: string): void {
    file.text = text;
    file.mtimeMs = this.#now();
  }

  link(from: string, to: string): void {
    const { node } = this.#takenPlace(from);
    const { folder, name } = this.#freePlace(to);
    if (isFolderNode(node) || !this.#hasLinks) throw systemError('EPERM', from);
    this.#change([folder, name, node]);
  }

  rename(from: string, to: string): void {
    const source = this.#place(from);
    const target = this.#place(to);
    if (source.node === undefined) throw systemError('ENOENT', from);
    if (isInside(from, to)) throw systemError('EINVAL', to);
    if (isInside(to, from)) throw systemError('ENOTEMPTY', to);
    // Two names of one file: the standard wants that both stay.
    if (source.node === target.node) return;
    if (target.node !== undefined) {
      if (isFolderNode(source.node) && !isFolderNode(target.node)) throw systemError('ENOTDIR', to);
      if (!isFolderNode(source.node) && isFolderNode(target.node)) throw systemError('EISDIR', to);
      if (isFolderNode(target.node) && target.node.entries.size > 0) throw systemError('ENOTEMPTY', to);
    }
    this.#change([target.folder, target.name, source.node], [source.folder, source.name, undefined]);
  }

  unlink(path: string): void {
    const { folder, name, node } = this.#takenPlace(path);
    if (isFolderNode(node)) throw systemError('EISDIR', path);
    this.#change([folder, name, undefined]);
  }

  removeFolder(path: string): void {
    const { folder, name, node } = this.#takenPlace(path);
    if (!isFolderNode(node)) throw systemError('ENOTDIR', path);
    if (node === this.root) throw systemError('EBUSY', path);
    if (node.entries.size > 0) throw systemError('ENOTEMPTY', path);
    this.#change([folder, name, undefined]);
  }

  /** One operation on names. */
  #change(...changes: [folder: FolderNode, name: string, node: DiskNode | undefined][]): void {
    this.#operations += 1;
    for (const [folder, name, node] of changes) {
      const old = folder.entries.get(name);
      folder.entries.delete(name);
      if (node !== undefined) folder.entries.set(name, node);
      folder.mtimeMs = this.#now();
      this.pending.push({ operation: this.#operations, folder, name, node });
      if (node !== undefined) node.links += 1;
      if (old === undefined) continue;
      old.links -= 1;
      if (old.links === 0) this.#freeNumbers.push(old.ino);
    }
  }

  sync(folder: FolderNode): void {
    for (const { operation, name, node } of this.pending.filter((change) => change.folder === folder)) {
      if (node === undefined) folder.forced.delete(name);
      else folder.forced.set(name, node);
      this.journalForced = Math.max(this.journalForced, operation);
    }
    this.pending = this.pending.filter((change) => change.folder !== folder);
  }
}

function stepsOf(path: string): string[] {
  if (!posix.isAbsolute(path)) throw new Error(`the disk in memory knows absolute paths only: ${path}`);
  return posix.normalize(path).split('/').filter(Boolean);
}

/** Whether `inner` lies below `outer`. */
function isInside(outer: string, inner: string): boolean {
  const [above, below] = [stepsOf(outer), stepsOf(inner)];
  return above.length < below.length && above.every((name, index) => name === below[index]);
}
