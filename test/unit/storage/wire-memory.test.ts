/** Proves that what was found out about a service outlives a process for a day, and that nothing here ever fails. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../../src/core/log.ts';
import type { WireMemory } from '../../../src/core/wire-memory.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { createFileWireMemory, createMemoryWireMemory } from '../../../src/storage/wire-memory.ts';

const DAY_MS = 24 * 60 * 60_000;
const FACTS = { dialect: 'rest', leftOut: ['version'], reading: { field: 'job', nested: [1, null] } };

let root: string;
let file: string;
let nowMs: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flux-wire-'));
  file = join(root, 'services', 'api.example.json');
  nowMs = 1_793_491_200_000;
});
afterEach(() => rm(root, { recursive: true, force: true }));

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { ...systemClock, now: () => nowMs };
const ofFile = (): WireMemory => createFileWireMemory(file, { clock, log });

describe.each([
  ['in a file', ofFile],
  ['in memory', () => createMemoryWireMemory(clock)],
])('%s', (_, create) => {
  it('there is nothing at first', async () => {
    expect(await create().recall()).toBeUndefined();
  });

  it('the last facts are what is known, until others take their place', async () => {
    const memory = create();
    await memory.remember({ dialect: 'generate' });
    await memory.remember(FACTS);
    expect(await memory.recall()).toEqual(FACTS);
  });

  it.each([
    ['a day', DAY_MS, FACTS],
    ['more than a day', DAY_MS + 1, undefined],
    ['less than nothing, since the clock was set back', -DAY_MS, FACTS],
    ['less than a clock is ever set back', -DAY_MS - 1, undefined],
  ])('facts are believed by their age: %s', async (_age, ageMs, known) => {
    const memory = create();
    await memory.remember(FACTS);
    nowMs += ageMs;
    expect(await memory.recall()).toEqual(known);
  });
});

describe('the file', () => {
  it('is what other processes know', async () => {
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toEqual(FACTS);
  });

  it('is the only one in its folder, for the user alone', async () => {
    await Promise.all([1, 2, 3].map((n) => ofFile().remember({ n })));
    expect(await readdir(dirname(file))).toEqual(['api.example.json']);
    if (process.platform === 'win32') return;
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['empty', ''],
    ['cut', '{"schema":1,"at":17934912000'],
    ['no object', '[]'],
    ['without facts', '{"schema":1,"at":1793491200000}'],
    ['with a list for facts', '{"schema":1,"at":1793491200000,"facts":[]}'],
    ['without a time', '{"schema":1,"facts":{}}'],
    ['with a time that is none', '{"schema":1,"at":"now","facts":{}}'],
    ['of a newer version', '{"schema":2,"at":1793491200000,"facts":{}}'],
    ['of no version', '{"at":1793491200000,"facts":{}}'],
  ])('that is damaged is no knowledge, and is replaced: %s', async (_, text) => {
    await mkdir(dirname(file));
    await writeFile(file, text);
    expect(await ofFile().recall()).toBeUndefined();
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toEqual(FACTS);
  });

  it('that cannot be kept or read is no failure', async () => {
    await writeFile(dirname(file), 'in the way of the folder');
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toBeUndefined();
    await rm(dirname(file));
    await mkdir(file, { recursive: true });
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toBeUndefined();
  });

  it('holds nothing but version, time and facts', async () => {
    await ofFile().remember(FACTS);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ schema: 1, at: nowMs, facts: FACTS });
  });
});
