import fc from 'fast-check';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { errorCode } from '../../src/storage/disk-errors.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { MemoryDisk } from './memory-disk.ts';

const temporary = mkdtempSync(join(tmpdir(), 'flux-like-real-'));
afterAll(() => rm(temporary, { recursive: true }));

/** The same calls, given to the system, below a folder. Nothing is forced to the disk, which nobody could see here. */
function realFiles(root: string): FileSystem {
  const at = (path: string): string => join(root, path);
  const unless = (codes: readonly string[], error: unknown): undefined => {
    if (!codes.includes(errorCode(error))) throw error;
  };
  return {
    create: async (path, text) => writeFileSync(at(path), text, { flag: 'wx' }),
    async readText(path) {
      try {
        return readFileSync(at(path), 'utf8');
      } catch (error) {
        return unless(['ENOENT', 'ENOTDIR', 'EISDIR'], error);
      }
    },
    link: async (from, to) => linkSync(at(from), at(to)),
    rename: async (from, to) => renameSync(at(from), at(to)),
    list: async (path) => readdirSync(at(path)),
    remove: async (path) => rmSync(at(path), { recursive: true }),
    async stat(path) {
      try {
        const found = statSync(at(path));
        return { ino: found.ino, size: found.size, mtimeMs: found.mtimeMs, isFolder: found.isDirectory() };
      } catch (error) {
        return unless(['ENOENT', 'ENOTDIR'], error);
      }
    },
    makeFolder: async (path) => mkdirSync(at(path)),
    syncFolder: async () => undefined,
  };
}

/** Few names, so that operations meet. */
const PATHS = ['/a', '/b', '/c', '/a/x', '/b/x', '/a/x/y', '/b/x/y', '/c/x'] as const;

type Action = { call: keyof FileSystem; path: string; text?: string; to?: string };

const path = fc.constantFrom(...PATHS);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ call: fc.constant('create' as const), path, text: fc.constantFrom('', 'text', 'längerer Text') }),
  fc.record({ call: fc.constantFrom('makeFolder', 'readText', 'list', 'stat', 'remove'), path }),
  fc.record({ call: fc.constantFrom('link', 'rename'), path, to: path }),
);

/** A folder with something in it, an empty one, and a file with two names. */
const USUAL: readonly Action[] = [
  { call: 'makeFolder', path: '/a' },
  { call: 'makeFolder', path: '/a/x' },
  { call: 'makeFolder', path: '/b' },
  { call: 'create', path: '/a/x/y', text: 'text' },
  { call: 'link', path: '/a/x/y', to: '/c' },
];

async function resultOf(files: FileSystem, { call, path, text = '', to = '' }: Action): Promise<unknown> {
  try {
    switch (call) {
      case 'create':
        return await files.create(path, text, false);
      case 'makeFolder':
        return await files.makeFolder(path);
      case 'readText':
        return await files.readText(path);
      case 'list':
        return (await files.list(path)).sort();
      case 'stat':
        return withoutNumbers(await files.stat(path));
      case 'remove':
        return await files.remove(path);
      case 'link':
        return await files.link(path, to);
      default:
        return await files.rename(path, to);
    }
  } catch (error) {
    return errorCode(error);
  }
}

/** Folders have a size of their own on each file system. */
function withoutNumbers(found: Awaited<ReturnType<FileSystem['stat']>>): unknown {
  return found && { isFolder: found.isFolder, size: found.isFolder ? 0 : found.size };
}

/** What lies where, and which names lead to the same file. */
async function everything(files: FileSystem): Promise<unknown> {
  const paths = new Map<number, string>();
  const found: unknown[] = [];
  for (const path of PATHS) {
    const seen = await files.stat(path);
    if (seen === undefined) continue;
    const first = paths.get(seen.ino) ?? path;
    paths.set(seen.ino, first);
    found.push([path, first, withoutNumbers(seen), await files.readText(path)]);
  }
  return found;
}

// Other systems give some refusals other codes.
describe.runIf(process.platform === 'linux')('the disk in memory, next to the real one', () => {
  let count = 0;

  /** Both with the usual things in them. @returns gives an action to both, and what came of it */
  async function twoDisks(): Promise<(action: Action) => Promise<unknown>> {
    count += 1;
    const root = join(temporary, String(count));
    mkdirSync(root);
    const [real, memory] = [realFiles(root), new MemoryDisk().processView()];
    const doBoth = async (action: Action): Promise<unknown> => {
      const result = await resultOf(memory, action);
      expect([action, result]).toEqual([action, await resultOf(real, action)]);
      expect([action, await everything(memory)]).toEqual([action, await everything(real)]);
      return result;
    };
    for (const action of USUAL) await doBoth(action);
    return doBoth;
  }

  it.each(['link', 'rename'] as const)(
    'does with %s what this system does, whatever lies at both paths',
    async (call) => {
      let doBoth = await twoDisks();
      for (const path of PATHS)
        for (const to of PATHS) {
          const result = await doBoth({ call, path, to });
          // An error has changed nothing.
          if (result === undefined) doBoth = await twoDisks();
        }
    },
  );

  it('answers each sequence of calls as this system does', async () => {
    const property = fc.asyncProperty(fc.array(action, { minLength: 2, maxLength: 20 }), async (actions) => {
      const doBoth = await twoDisks();
      for (const one of actions) await doBoth(one);
    });
    await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 800 });
  });
});
