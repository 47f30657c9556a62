/** Proves that what is learnt of durations outlives a process, is shared, and does no harm when it cannot be kept. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDurationMemory } from '../../../src/polling/duration-memory.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-values.ts';
import { createUnkeptValues } from '../../../src/storage/nothing-kept.ts';
import { sharedFolder } from '../../../src/storage/paths.ts';
import { valueFile } from '../../support/state-files.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-durations-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const deps = { clock: systemClock, log: silent };
const ofProcess = () => createDurationMemory(createFileValues(sharedFolder(folder), deps), deps);
const SEEN = { afterMs: 5_000, byMs: 7_000 };
const count = async (key: string) => (await ofProcess().recall(key))?.tookMs.length ?? 0;

describe('the file', () => {
  it('is what other processes know, kind by kind', async () => {
    const processes = [ofProcess(), ofProcess(), ofProcess()];
    await Promise.all(Array.from({ length: 12 }, (_, n) => processes[n % 3]?.note('a', SEEN)));
    await ofProcess().note('b', SEEN);
    expect([await count('a'), await count('b'), await count('c')]).toEqual([12, 1, 0]);
  });

  it('holds no more than fifty kinds', async () => {
    const memory = ofProcess();
    for (let n = 0; n < 60; n += 1) await memory.note(`kind ${n}`, SEEN);
    expect([await count('kind 0'), await count('kind 59')]).toEqual([0, 1]);
    expect(Object.keys(JSON.parse(await readFile(valueFile(folder, 'durations'), 'utf8')).value)).toHaveLength(50);
  });

  it.each(['', '{', '{"format":1,"value":{"a":{"weights":[1]}}}', '{"format":1,"value":{"a":{"tookMs":[-1]}}}'])(
    'that holds %j is begun anew',
    async (text) => {
      await mkdir(sharedFolder(folder));
      await writeFile(join(sharedFolder(folder), 'durations.1.json'), text);
      expect(await count('a')).toBe(0);
      await ofProcess().note('a', SEEN);
      expect(await count('a')).toBe(1);
    },
  );

  it('that cannot be written is no reason to stop', async () => {
    await writeFile(sharedFolder(folder), 'in the way of the folder');
    await ofProcess().note('a', SEEN);
    expect(await count('a')).toBe(0);
  });
});

it('without a folder the same is known for as long as the process lives', async () => {
  const memory = createDurationMemory(createUnkeptValues(), deps);
  expect(await memory.recall('a')).toBeUndefined();
  await memory.note('a', SEEN);
  expect(await memory.recall('a')).toBeDefined();
});
