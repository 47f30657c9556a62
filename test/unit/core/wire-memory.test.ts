/** Proves that what was found out about a service outlives a process for a day, and that nothing here ever fails. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../../src/core/ports.ts';
import { createWireMemory, type WireMemory } from '../../../src/core/wire-memory.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { createUnkeptValues } from '../../../src/storage/nothing-kept.ts';

const DAY_MS = 24 * 60 * 60_000;
const FACTS = { dialect: 'rest', leftOut: ['version'], reading: { field: 'job', nested: [1, null] } };

let root: string;
let folder: string;
let nowMs: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flux-wire-'));
  folder = join(root, 'services');
  nowMs = 1_793_491_200_000;
});
afterEach(() => rm(root, { recursive: true, force: true }));

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { ...systemClock, now: () => nowMs };
const NAME = 'api.example';
const ofFile = (): WireMemory => createWireMemory(createFileValues(folder, { clock, log }), NAME, clock);
const ofMemory = (): WireMemory => createWireMemory(createUnkeptValues(), NAME, clock);

describe.each([
  ['in a file', ofFile],
  ['in memory', ofMemory],
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

describe('that keys are ignored', () => {
  it('is known to every process for good, whatever else is found out', async () => {
    const memory = ofFile();
    expect(await memory.keys.areIgnored()).toBe(false);
    await memory.keys.noteIgnored();
    await memory.remember(FACTS);
    nowMs += 400 * DAY_MS;
    expect(await memory.recall()).toBeUndefined();
    expect(await ofFile().keys.areIgnored()).toBe(true);
    const other = createWireMemory(createFileValues(folder, { clock, log }), 'api.other', clock);
    expect(await other.keys.areIgnored()).toBe(false);
  });
});

describe('the file', () => {
  it('is what other processes know', async () => {
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toEqual(FACTS);
  });

  it('is the only one in its folder, for the user alone', async () => {
    for (const n of [1, 2, 3]) await ofFile().remember({ n });
    expect(await readdir(folder)).toEqual(['api.example.3.json']);
    if (process.platform === 'win32') return;
    expect((await stat(join(folder, 'api.example.3.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['empty', ''],
    ['cut', '{"format":1,"value":{"at":17934912000'],
    ['no object', '[]'],
    ['without facts', '{"format":1,"value":{"at":1793491200000}}'],
    ['with a list for facts', '{"format":1,"value":{"at":1793491200000,"facts":[]}}'],
    ['without a time', '{"format":1,"value":{"facts":{}}}'],
    ['with a time that is none', '{"format":1,"value":{"at":"now","facts":{}}}'],
    ['of no version', '{"value":{"at":1793491200000,"facts":{}}}'],
  ])('that is damaged is no knowledge, and is replaced: %s', async (_, text) => {
    await mkdir(folder);
    await writeFile(join(folder, 'api.example.1.json'), text);
    expect(await ofFile().recall()).toBeUndefined();
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toEqual(FACTS);
  });

  it('that cannot be kept or read is no failure', async () => {
    await writeFile(folder, 'in the way of the folder');
    await ofFile().remember(FACTS);
    expect(await ofFile().recall()).toBeUndefined();
    await rm(folder);
    await mkdir(join(folder, 'api.example.1.json'), { recursive: true });
    expect(await ofFile().recall()).toBeUndefined();
  });

  it('of a newer version is not known here, and stays as it is', async () => {
    await mkdir(folder);
    const newer = '{"format":2,"value":{"at":1793491200000,"facts":{}}}';
    await writeFile(join(folder, 'api.example.1.json'), newer);
    expect(await ofFile().recall()).toBeUndefined();
    await ofFile().remember(FACTS);
    expect(await readdir(folder)).toEqual(['api.example.1.json']);
    expect(await readFile(join(folder, 'api.example.1.json'), 'utf8')).toBe(newer);
  });

  it('holds nothing of its own but time and facts', async () => {
    await ofFile().remember(FACTS);
    expect(JSON.parse(await readFile(join(folder, 'api.example.1.json'), 'utf8')).value).toEqual({
      at: nowMs,
      facts: FACTS,
    });
  });
});
