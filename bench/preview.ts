/** Measures what a picture inside an answer costs: how long it takes, and for how long nothing else is answered. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../src/core/job.ts';
import type { Preview, PreviewBounds } from '../src/core/image-store.ts';
import { makePreview } from '../src/images/make-preview.ts';
import { createPreview } from '../src/images/preview.ts';
import { HOST_PROFILES, IMAGE_SIDE_MAX_PX } from '../src/mcp/hosts.ts';
import { jobsResult } from '../src/mcp/result.ts';
import { systemClock } from '../src/runtime/system.ts';
import { jpegOf, pngOf, webpOf } from '../test/support/pictures.ts';
import { loadBefore, machine, markdownTable, median, milliseconds, recordIfAsked } from './figures.ts';

const SIDE_PX = 2_048;
const RUNS = 15;
const TO_REACH_MS = 20;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

type Cost = { wallMs: number; blockMs: number; characters: number; shown: string };

/** Looks as often as the loop turns: the longest time between two looks is the longest block. */
async function measured<Value>(work: () => Promise<Value>): Promise<{ value: Value; wallMs: number; blockMs: number }> {
  let isSettled = false;
  let longest = 0;
  let last = performance.now();
  const check = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isSettled) setImmediate(check);
  };
  setImmediate(check);
  const began = performance.now();
  const value = await work();
  const wallMs = performance.now() - began;
  isSettled = true;
  await new Promise((resolve) => setImmediate(resolve));
  check();
  return { value, wallMs, blockMs: longest };
}

const folder = mkdtempSync(join(tmpdir(), 'flux-preview-'));
const load = loadBefore();

function jobWith(file: string): Job {
  return {
    id: 'job_0123456789abcdef0123',
    idempotencyKey: 'key',
    request: { prompt: 'A lighthouse on a cliff at dawn', width: SIDE_PX, height: SIDE_PX },
    state: 'saved',
    createdAt: 0,
    updatedAt: 0,
    owner: { pid: 1, host: 'bench', session: '1' },
    credits: { min: 30, max: 50, exact: 40 },
    file,
    sandbox: false,
  };
}

/** From the file to the line that goes to the host, as a call does it. */
async function answer(job: Job, maxCharacters: number, preview: Pick<Preview, 'fit'>): Promise<Cost> {
  let shown = '';
  const room = { maxCharacters, maxBatchCharacters: maxCharacters, maxSidePx: IMAGE_SIDE_MAX_PX };
  const form = { content: ['text', 'image'] as const, ...room, hasViewer: false };
  const { value, wallMs, blockMs } = await measured(async () => {
    const pictureOf = async (_: Job, bounds: PreviewBounds) => {
      const picture = await preview.fit(await readFile(job.file ?? ''), bounds);
      shown = picture?.size === undefined ? 'none' : `${picture.size.width} × ${picture.size.height}`;
      return picture;
    };
    const view = { now: 0 };
    const deps = {
      view,
      pictureOf,
      sheetOf: async () => undefined,
      redact: (text: string) => text,
      clock: systemClock,
    };
    const result = await jobsResult({ type: 'job', job }, form, deps);
    return JSON.stringify(result);
  });
  return { wallMs, blockMs, characters: value.length, shown };
}

/** The same work without a thread of its own: what the protocol would wait for. */
const inTheLoop: Pick<Preview, 'fit'> = {
  async fit(bytes, bounds) {
    const made = await makePreview(bytes, bounds);
    if (made === undefined) return undefined;
    return { ...made, mediaType: 'image/jpeg', isPreview: true };
  },
};

const pictures: [string, Uint8Array][] = [
  ['JPEG', await jpegOf(SIDE_PX, SIDE_PX, { grain: 0.2 })],
  ['PNG', await pngOf(SIDE_PX, SIDE_PX)],
  ['WebP', await webpOf(SIDE_PX, SIDE_PX, 0.2)],
];
const rooms = [...new Set(HOST_PROFILES.map(({ maxCharacters }) => maxCharacters))];
const rows: string[][] = [];
let worst = 0;
const preview = createPreview({ clock: systemClock, log: silent });
try {
  for (const [type, bytes] of pictures) {
    const file = join(folder, `picture.${type.toLowerCase()}`);
    writeFileSync(file, bytes);
    for (const room of rooms) {
      const job = jobWith(file);
      const threaded: Cost[] = [];
      const looped: Cost[] = [];
      for (let run = 0; run < RUNS; run += 1) {
        threaded.push(await answer(job, room, preview));
        looped.push(await answer(job, room, inTheLoop));
      }
      const block = Math.max(...threaded.slice(1).map(({ blockMs }) => blockMs));
      worst = Math.max(worst, block, threaded[0]?.blockMs ?? 0);
      rows.push([
        `${type}, ${Math.ceil(bytes.length / 1_024)} kB`,
        room.toLocaleString('en-US'),
        `${threaded.at(-1)?.shown}, ${threaded.at(-1)?.characters.toLocaleString('en-US')} characters`,
        milliseconds(threaded[0]?.wallMs ?? 0),
        milliseconds(median(threaded.slice(1).map(({ wallMs }) => wallMs))),
        milliseconds(block),
        milliseconds(median(looped.map(({ blockMs }) => blockMs))),
      ]);
    }
  }
} finally {
  await preview.close();
  rmSync(folder, { recursive: true, force: true });
}
const content = [
  `Machine: ${machine()}; ${load}.`,
  '',
  `A picture of ${SIDE_PX} × ${SIDE_PX} pixels from its file to the line that goes to the host: read, made smaller where it does not fit, Base64, serialized. ${RUNS} answers of each kind with the thread, in turn with the same work in the loop of the protocol. A block is the longest time in which the loop did not turn; the first of a row is shown in its own column because it may start the thread and compile codecs. To reach: no block longer than ${TO_REACH_MS} ms.`,
  '',
  markdownTable(
    [
      'picture',
      'room in characters',
      'shown',
      'first',
      'later, median',
      'longest block',
      'longest block without the thread, median',
    ],
    rows,
  ),
].join('\n');
console.log(content);
console.log(worst <= TO_REACH_MS ? '\nThe target is reached.' : `\nNot reached: ${milliseconds(worst)}`);
recordIfAsked('preview', content);
