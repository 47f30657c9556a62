/** Durations are known from polls alone, follow a service that changes, outlive a process, and foretell how long a job takes. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImageRequest } from '../../../src/core/image-request.ts';
import {
  createDurationMemory,
  type Durations,
  expectedMs,
  quantileMs,
  withDuration,
} from '../../../src/polling/durations.ts';
import { pollDelayMs } from '../../../src/polling/poll-plan.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { createUnkeptValues } from '../../../src/storage/nothing-kept.ts';
import { sharedFolder } from '../../../src/storage/paths.ts';

const PLENTY = { left: null, perWindow: null, windowMs: 60_000, refillMs: 0 };

/** Pseudo-random numbers that are the same in every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
function drawn(random: () => number, medianMs: number): number {
  const gaussian = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return medianMs * Math.exp(0.25 * gaussian);
}

/** What is known after jobs that were polled every 2 s. */
function polledEvenly(count: number, medianMs: number): Durations {
  const random = randomOf(7);
  let known: Durations = [];
  for (let n = 0; n < count; n += 1) {
    const polls = Math.ceil(drawn(random, medianMs) / 2_000);
    known = withDuration(known, { afterMs: (polls - 1) * 2_000, byMs: polls * 2_000 });
  }
  return known;
}

/** The same for jobs that were polled as planned. @returns what is known then, and how late each end was noticed */
function polledAsPlanned(count: number, medianMs: number, before: Durations, seed: number) {
  const random = randomOf(seed);
  let known = before;
  const delaysMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const endsMs = drawn(random, medianMs);
    let seenMs = 0;
    const delayMs = (ageMs: number): number =>
      pollDelayMs({ known, allowance: PLENTY, ageMs, isSeen: seenMs > 0, followedMs: ageMs, random: 0 });
    let ageMs = delayMs(0);
    while (ageMs < endsMs) {
      seenMs = ageMs;
      ageMs += delayMs(ageMs);
    }
    delaysMs.push(ageMs - endsMs);
    known = withDuration(known, { afterMs: seenMs, byMs: ageMs });
  }
  return { known, delaysMs };
}

describe('durations', () => {
  it.each([6_000, 12_000, 30_000, 90_000])('have the median of %i ms after polls every 2 s', (medianMs) => {
    const known = polledEvenly(60, medianMs);
    expect((quantileMs(known, 0.5) ?? 0) / medianMs).toBeGreaterThan(0.85);
    expect((quantileMs(known, 0.5) ?? 0) / medianMs).toBeLessThan(1.18);
    expect(expectedMs(known)).toBe(quantileMs(known, 0.5));
  });

  it.each([
    [12_000, 5_000],
    [6_000, 20_000],
    [20_000, 8_000],
  ])('follow a service that takes %i ms and then %i ms, polled only as planned', (before, after) => {
    const { known } = polledAsPlanned(60, before, polledEvenly(10, before), 3);
    const { known: then, delaysMs } = polledAsPlanned(150, after, known, 5);
    expect(quantileMs(then, 0.25)).toBeLessThan(after * 1.25);
    expect(quantileMs(then, 0.75)).toBeGreaterThan(after * 0.75);
    const late = delaysMs.slice(100).toSorted((a, b) => a - b);
    expect(late[Math.floor(late.length / 2)]).toBeLessThan(2_500);
  });

  it('do not drift upwards because the first poll came late', () => {
    let known: Durations = polledEvenly(20, 6_000);
    const usualMs = quantileMs(known, 0.5) ?? 0;
    for (let n = 0; n < 200; n += 1) known = withDuration(known, { afterMs: 0, byMs: 30_000 });
    expect(quantileMs(known, 0.5)).toBeLessThanOrEqual(usualMs);
  });

  it('are the last hundred', () => {
    expect(polledEvenly(250, 12_000)).toHaveLength(100);
  });

  it('stay well-formed whatever is seen', () => {
    const ages = fc.oneof(fc.double({ min: 0, max: 1e8, noNaN: true }), fc.nat(60_000));
    fc.assert(
      fc.property(fc.array(fc.tuple(ages, ages), { maxLength: 130 }), (seen) => {
        let known: Durations = [];
        for (const [one, other] of seen)
          known = withDuration(known, { afterMs: Math.min(one, other), byMs: Math.max(one, other) });
        expect(known.every((tookMs) => Number.isInteger(tookMs) && tookMs >= 0 && tookMs <= 1_800_000)).toBe(true);
        expect(known).toHaveLength(Math.min(100, seen.length));
      }),
    );
  });
});

describe('the memory', () => {
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flux-durations-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const deps = { clock: systemClock, log: silent };
  const ofProcess = () => createDurationMemory(createFileValues(sharedFolder(folder), deps), systemClock);
  const FOX: ImageRequest = { prompt: 'a fox', width: 1024, height: 1024 };
  const SEEN = { afterMs: 5_000, byMs: 7_000 };
  const count = async (request: ImageRequest) => (await ofProcess().recall(request)).length;

  it('is shared by processes', async () => {
    const processes = [ofProcess(), ofProcess(), ofProcess()];
    await Promise.all(Array.from({ length: 12 }, (_, n) => processes[n % 3]?.note(FOX, SEEN)));
    expect(await count(FOX)).toBe(12);
  });

  it('keeps versions, qualities and price brackets apart, and nothing else', async () => {
    await ofProcess().note(FOX, SEEN);
    const others: ImageRequest[] = [
      { ...FOX, version: 'flux-pro' },
      { ...FOX, quality: 'high' },
      { ...FOX, width: 2048, height: 2048 },
    ];
    expect(await Promise.all(others.map(count))).toEqual([0, 0, 0]);
    expect(await count({ ...FOX, prompt: 'a hare', width: 512 })).toBe(1);
  });

  it.each(['', '{', '{"format":1,"value":{"a":{"weights":[1]}}}', '{"format":1,"value":{"a":[-1]}}'])(
    'that holds %j on disk begins again',
    async (text) => {
      await mkdir(sharedFolder(folder));
      await writeFile(join(sharedFolder(folder), 'durations.1.json'), text);
      expect(await count(FOX)).toBe(0);
      await ofProcess().note(FOX, SEEN);
      expect(await count(FOX)).toBe(1);
    },
  );

  it('that cannot be written is no reason to stop', async () => {
    await writeFile(sharedFolder(folder), 'in the way of the folder');
    await ofProcess().note(FOX, SEEN);
    expect(await count(FOX)).toBe(0);
  });

  it('without a folder lasts for as long as the process lives', async () => {
    const memory = createDurationMemory(createUnkeptValues(), systemClock);
    expect(await memory.recall(FOX)).toEqual([]);
    await memory.note(FOX, SEEN);
    expect(await memory.recall(FOX)).toHaveLength(1);
  });
});
