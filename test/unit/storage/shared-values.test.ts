/** The contract of shared values, on each engine: no change is lost, none is made twice, and none is half. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SharedState, type SharedValues } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { newestFile } from '../../support/state-files.ts';
import { rejectedWords } from '../../support/words.ts';
import { COUNT, type Count, increased } from './count-value.ts';
import { ENGINES, type Engine } from './engines.ts';

let root: string;
let folder: string;
let logged: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flux-values-'));
  folder = join(root, 'shared');
  logged = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const log = { debug() {}, info() {}, warn() {}, error: (message: string) => void logged.push(message) };
const onFiles = (): SharedValues => createFileValues(folder, { clock: systemClock, log });
/** As one process has it. */
const stateOf = (values: SharedValues): SharedState<Count> => new SharedState(values, COUNT, systemClock);

describe.each(ENGINES)('a value %s', (_, createEngine) => {
  let engine: Engine;
  let states: SharedState<Count>[];
  const create = (): SharedValues[] => Array.from({ length: 4 }, () => engine.addProcess().values);
  beforeEach(() => {
    engine = createEngine();
    states = create().map(stateOf);
  });
  afterEach(() => engine.close());
  const [one, two] = [() => states[0] as SharedState<Count>, () => states[1] as SharedState<Count>];

  it('is the initial one until it is changed, and then what everybody sees', async () => {
    expect(await one().read()).toEqual({ count: 100 });
    expect(await one().change(increased)).toBe(100);
    expect(await two().read()).toEqual({ count: 101 });
    expect(await two().change(increased)).toBe(101);
    expect(await one().read()).toEqual({ count: 102 });
  });

  it('is not replaced by a rule that changes nothing', async () => {
    const [values] = create();
    const value = values?.open(COUNT);
    const before = await value?.read();
    await stateOf(values as SharedValues).change((same) => ({ value: same, result: undefined }));
    expect((await value?.read())?.version.number).toBe(before?.version.number);
  });

  it('is replaced by one of those who have read the same version', async () => {
    const values = create().map((each) => each.open(COUNT));
    const seen = await Promise.all(values.map((value) => value.read()));
    const answers = [];
    for (const [index, value] of values.entries()) {
      const { version } = seen[index] ?? (await value.read());
      answers.push(await value.replace(version, { count: index }, 'process'));
    }
    expect(answers).toEqual(['done', 'conflict', 'conflict', 'conflict']);
    expect((await values[3]?.read())?.value).toEqual({ count: 0 });
  });

  it.each(['process', 'machine'] as const)('loses no change of several writers at a time: %s', async (durability) => {
    const before = await Promise.all(
      Array.from({ length: 40 }, (_each, index) => states[index % 4]?.change(increased, durability)),
    );
    // Each change saw a value of its own: none was made twice, none was lost.
    expect(before.toSorted()).toEqual(Array.from({ length: 40 }, (_each, index) => 100 + index));
    expect(await one().read()).toEqual({ count: 140 });
  });

  it('is changed in the order of the calls of a process', async () => {
    const order: number[] = [];
    await Promise.all([1, 2, 3].map((n) => one().change((value) => ({ value, result: order.push(n) }))));
    expect(order).toEqual([1, 2, 3]);
  });

  it('can be changed after a rule that failed', async () => {
    const failing = one().change(() => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await one().change(increased)).toBe(100);
  });
});

it('a change that others always forestall is given up after eight tries, in words', async () => {
  const values = onFiles();
  const value = values.open(COUNT);
  let tries = 0;
  const busy: SharedValues = {
    location: folder,
    open: () => ({ ...(value as never as object), replace: async () => 'conflict' }) as never,
  };
  const losing = new SharedState<Count>(busy, COUNT, { ...systemClock, sleep: async () => undefined }).change(
    (seen) => {
      tries += 1;
      return increased(seen);
    },
  );
  await expect(losing).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: 'no' } });
  expect((await rejectedWords(losing)).what).toBe(
    `The shared value "count" in ${folder} was changed by other processes at each of 8 tries, so this change was given up.`,
  );
  expect(tries).toBe(8);
});

describe('the files', () => {
  it('are one, whatever was changed', async () => {
    for (let n = 0; n < 5; n += 1) await stateOf(onFiles()).change(increased);
    expect(await readdir(folder)).toEqual(['count.5.json']);
  });

  it.each([
    ['nothing', ''],
    ['half a value', '{"format":1,"crc":"0'],
    ['another value', '{"format":1,"value":{"count":"many"}}'],
    ['a value whose checksum is wrong', '{"format":1,"crc":"00000000","changes":[],"value":{"count":7}}\n'],
  ])('that hold %s count as none, and are kept for a person', async (_, text) => {
    const state = stateOf(onFiles());
    await state.change(increased);
    await state.change(increased);
    await writeFile(newestFile(folder, 'count'), text);
    expect(await stateOf(onFiles()).read()).toEqual({ count: 100 });
    expect(await readdir(folder)).toEqual(['count.2.json']);
    expect(await stateOf(onFiles()).change(increased)).toBe(100);
    expect((await readdir(folder)).toSorted()).toEqual(['count.2.json.damaged', 'count.3.json']);
    expect(await readFile(join(folder, 'count.2.json.damaged'), 'utf8')).toBe(text);
    expect(logged).toEqual(['a damaged file of the shared values was set aside']);
  });

  it('that are no files count as damaged', async () => {
    await mkdir(join(folder, 'count.4.json'), { recursive: true });
    expect(await stateOf(onFiles()).change(increased)).toBe(100);
    expect(await readdir(folder)).toContain('count.5.json');
  });

  it('of a newer format are an error, and stay as they are', async () => {
    await stateOf(onFiles()).change(increased);
    const newer = '{"format":2,"value":{"count":5},"more":true}';
    await writeFile(newestFile(folder, 'count'), newer);
    for (const work of [() => stateOf(onFiles()).read(), () => stateOf(onFiles()).change(increased)])
      await expect(work()).rejects.toMatchObject({ failure: { kind: 'storage_failed', creditsSpent: 'no' } });
    expect(await readdir(folder)).toEqual(['count.1.json']);
    expect(await readFile(newestFile(folder, 'count'), 'utf8')).toBe(newer);
  });

  it('that cannot be read are an error: they may hold what counts', async () => {
    await writeFile(join(root, 'in the way'), '');
    folder = join(root, 'in the way', 'shared');
    for (const work of [() => stateOf(onFiles()).read(), () => stateOf(onFiles()).change(increased)])
      await expect(work()).rejects.toMatchObject({
        failure: { kind: 'storage_failed', creditsSpent: 'no', reason: { code: 'state_not_kept', path: folder } },
      });
  });
});

describe('processes of their own', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
  });

  function increments(count: number, durability: string): Promise<number | null> {
    const script = fileURLToPath(new URL('./count-writer.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder, String(count), durability], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(child);
    return new Promise((resolve) => void child.once('exit', resolve));
  }

  it.each([
    [2, 'process'],
    [4, 'machine'],
  ])('%i of them lose no change: %s', async (writers, durability) => {
    const codes = await Promise.all(Array.from({ length: writers }, () => increments(50, durability)));
    expect(codes).toEqual(Array(writers).fill(0));
    expect(await stateOf(onFiles()).read()).toEqual({ count: 100 + writers * 50 });
    expect(await readdir(folder)).toEqual([`count.${writers * 50}.json`]);
  });
});
