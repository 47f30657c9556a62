/** Proves that a marker reaches every process that listens for the job, once, and that markers do not pile up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock, Log } from '../../../src/core/ports.ts';
import type { JobEvents } from '../../../src/core/job-store.ts';
import { createWebhookSink } from '../../../src/doitong/webhook.ts';
import { createJobEvents } from '../../../src/polling/event-markers.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { storedText } from '../../../src/storage/versioned-file.ts';
import { WebhookListener } from '../../../src/transports/webhook.ts';
import { freePort } from '../../support/free-port.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { newestFile } from '../../support/state-files.ts';
import { hexOf, PATH, SECRET } from '../doitong/webhook-vectors.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let folder: string;
let warnings: string[];
let leaving: (() => void)[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flux-events-'));
  warnings = [];
  leaving = [];
});
afterEach(async () => {
  for (const leave of leaving) leave();
  await rm(folder, { recursive: true, force: true });
});

const log: Log = { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} };
/** Of one process; `shiftMs` moves its wall clock. */
function eventsOf(shiftMs = 0, clock: Clock = systemClock): JobEvents {
  const deps = { clock: { ...clock, now: () => clock.now() + shiftMs }, log };
  return createJobEvents(createFileValues(shared(), deps), deps);
}
const shared = (): string => join(folder, 'shared');
const markers = async (): Promise<{ remoteId: string; at: number }[]> =>
  JSON.parse(await readFile(newestFile(shared(), 'events'), 'utf8')).value;
const markedJobs = async (): Promise<string[]> => (await markers()).map(({ remoteId }) => remoteId);

type Listening = { reported: boolean; done: Promise<void>; stop: () => void };
/** Until the first event. */
function listen(events: JobEvents, remoteId: string): Listening {
  const state: Listening = { reported: false, done: Promise.resolve(), stop: () => undefined };
  state.done = new Promise((resolve) => {
    state.stop = events.listen(remoteId, () => {
      state.reported = true;
      state.stop();
      resolve();
    });
  });
  leaving.push(state.stop);
  return state;
}

/** @returns after how many milliseconds; fails after a second */
async function within(done: Promise<unknown>, limitMs = 1_000): Promise<number> {
  const begun = performance.now();
  const late = sleep(limitMs, 'late', { ref: false });
  if ((await Promise.race([done, late])) === 'late') throw new Error(`not reported within ${limitMs} ms`);
  return performance.now() - begun;
}

describe('a marker', () => {
  it('is seen by whoever listens for that job in another process, and by nobody else', async () => {
    const [one, two] = [eventsOf(), eventsOf()];
    const [right, sameJob, other] = [listen(two, 'dt_1'), listen(two, 'dt_1'), listen(two, 'dt_2')];
    await sleep(50);
    await one.addMarker('dt_1');
    expect(await within(Promise.all([right.done, sameJob.done]))).toBeLessThan(600);
    await sleep(300);
    expect(other.reported).toBe(false);
  });

  it('is seen in the process that makes it', async () => {
    const events = eventsOf();
    const waiting = listen(events, 'dt_1');
    await events.addMarker('dt_1');
    await within(waiting.done);
  });

  it('that came while the job was being read is seen by the next listener, and only by that', async () => {
    const [one, two] = [eventsOf(), eventsOf()];
    const first = listen(two, 'dt_1');
    await one.addMarker('dt_1');
    await within(first.done);
    await one.addMarker('dt_1');
    await within(listen(two, 'dt_1').done);
    const third = listen(two, 'dt_1');
    await sleep(600);
    expect(third.reported).toBe(false);
    await one.addMarker('dt_1');
    await within(third.done);
  });

  it('of long before the first listener is no news', async () => {
    await eventsOf(-2 * MINUTE_MS).addMarker('dt_1');
    const events = eventsOf();
    const waiting = listen(events, 'dt_1');
    await sleep(400);
    expect(waiting.reported).toBe(false);
    await events.addMarker('dt_1');
    await within(waiting.done);
  });

  it('of a moment before the first listener is news', async () => {
    await eventsOf(-5_000).addMarker('dt_1');
    await within(listen(eventsOf(), 'dt_1').done);
  });

  it('is seen although the clock was set back', async () => {
    const events = eventsOf();
    const first = listen(events, 'dt_1');
    await events.addMarker('dt_1');
    await within(first.done);
    const second = listen(events, 'dt_1');
    await eventsOf(-60 * MINUTE_MS).addMarker('dt_1');
    await within(second.done);
  });

  it('that cannot be made is an error', async () => {
    await writeFile(shared(), 'in the way');
    await expect(eventsOf().addMarker('dt_1')).rejects.toThrow();
  });

  it('is the newest of its job alone, also when many are made at a time', async () => {
    const [one, two] = [eventsOf(), eventsOf()];
    await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 ? one : two).addMarker('dt_1')));
    await one.addMarker('dt_1');
    expect(await markers()).toHaveLength(1);
  });

  it('is news also where another process has made one since, by a clock that is ahead', async () => {
    const events = eventsOf();
    const first = listen(events, 'dt_1');
    await eventsOf(2_000).addMarker('dt_1');
    await within(first.done);
    const second = listen(events, 'dt_1');
    await eventsOf().addMarker('dt_1');
    await within(second.done);
  });
});

describe('old markers', () => {
  it('of more than a day are removed with the next one', async () => {
    await eventsOf(-DAY_MS - MINUTE_MS).addMarker('dt_old');
    await eventsOf(-DAY_MS + MINUTE_MS).addMarker('dt_recent');
    expect(await markedJobs()).toContain('dt_old');
    await eventsOf().addMarker('dt_1');
    expect(await markedJobs()).toEqual(['dt_1', 'dt_recent']);
  });

  it('are no more than a thousand', async () => {
    const at = Date.now() - MINUTE_MS;
    const value = Array.from({ length: 1_100 }, (_, n) => ({ remoteId: `dt_${n}`, at: at - n, count: 1 }));
    await mkdir(shared());
    await writeFile(join(shared(), 'events.1.json'), storedText(value, []));
    await eventsOf().addMarker('dt_new');
    const left = await markedJobs();
    expect(left).toHaveLength(1_000);
    expect(left).toContain('dt_0');
    expect(left).not.toContain('dt_1099');
  });

  it('tell when an event came last', async () => {
    const events = eventsOf();
    expect(await events.lastMarkerAt()).toBe(Number.NEGATIVE_INFINITY);
    const before = Date.now();
    await eventsOf().addMarker('dt_2');
    await eventsOf(-MINUTE_MS).addMarker('dt_3');
    expect(await events.lastMarkerAt()).toBeGreaterThanOrEqual(before);
  });
});

describe('a listener', () => {
  it('waits where there is no folder, and sees it come', async () => {
    await rm(folder, { recursive: true });
    const waiting = listen(eventsOf(), 'dt_1');
    await sleep(300);
    await eventsOf().addMarker('dt_1');
    await within(waiting.done);
    expect(warnings).toEqual([]);
  });

  it('goes on where the folder cannot be read, and says so once', async () => {
    await writeFile(shared(), 'in the way');
    const waiting = listen(eventsOf(), 'dt_1');
    await sleep(600);
    await rm(shared());
    await eventsOf().addMarker('dt_1');
    await within(waiting.done);
    expect(warnings).toHaveLength(1);
  });

  it('ends when it is stopped, and no other with it', async () => {
    const events = eventsOf();
    const [stopped, other] = [listen(events, 'dt_1'), listen(events, 'dt_1')];
    stopped.stop();
    await events.addMarker('dt_1');
    await within(other.done);
    expect(stopped.reported).toBe(false);
  });

  it('hears of every event', async () => {
    const events = eventsOf();
    const received: string[] = [];
    leaving.push(events.listen('dt_1', () => void received.push('dt_1')));
    for (const expected of [1, 2]) {
      await events.addMarker('dt_1');
      await sleep(400);
      expect(received).toHaveLength(expected);
    }
  });

  it('costs one timer for all jobs of a process, and none when nobody waits', async () => {
    const clock = createManualClock();
    const events = eventsOf(0, clock);
    const waiting = Array.from({ length: 50 }, (_, index) => listen(events, `dt_${index}`));
    await sleep(50);
    expect(clock.pending()).toBe(1);
    await Promise.all(waiting.map((_, index) => events.addMarker(`dt_${index}`)));
    await clock.advance(300);
    await within(Promise.all(waiting.map(({ done }) => done)));
    await sleep(50);
    await clock.advance(300);
    expect(clock.pending()).toBe(0);
  });

  it('costs nothing any more once it was ended', async () => {
    const clock = createManualClock();
    const ended = listen(eventsOf(0, clock), 'dt_1');
    await sleep(50);
    ended.stop();
    await clock.advance(300);
    await sleep(50);
    expect(clock.pending()).toBe(0);
  });
});

describe('two processes', () => {
  let child: ChildProcess;
  let words: unknown[];
  const hears = (word: string): Promise<void> =>
    new Promise((resolve) => {
      child.on('message', (said) => (said === word ? resolve() : undefined));
    });

  /** Resolves when it waits for the event of `dt_1`. */
  async function startWaiter(port: number): Promise<void> {
    const script = fileURLToPath(new URL('./event-waiter.ts', import.meta.url));
    child = spawn(process.execPath, ['--import', 'tsx', script, shared(), 'dt_1', String(port)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    words = [];
    child.on('message', (word) => words.push(word));
    await within(hears('waiting'), 20_000);
  }
  afterEach(() => void child.kill());

  it('and one listener: the one that waits hears of what reaches the other', async () => {
    const sink = createWebhookSink({
      secret: SECRET,
      path: PATH,
      knows: async () => true,
      addMarker: (id) => eventsOf().addMarker(id),
      clock: systemClock,
      log,
    });
    const port = await freePort();
    const listener = new WebhookListener({ host: '127.0.0.1', port, publicUrl: 'https://flux.example', sink, log });
    await listener.open();
    const statusOf = async (body: string): Promise<number> => {
      const headers = { 'X-Doitong-Signature': `sha256=${hexOf(body)}` };
      return (await fetch(`http://127.0.0.1:${port}${PATH}`, { method: 'POST', headers, body })).status;
    };
    try {
      await startWaiter(port);
      expect(await statusOf('{"id":"dt_2","status":"completed"}')).toBe(200);
      await sleep(500);
      expect(words).toEqual(['taken', 'waiting']);
      const reported = hears('told');
      expect(await statusOf('{"id":"dt_1","status":"completed"}')).toBe(200);
      await within(reported);
    } finally {
      await listener.close();
    }
  });

  it('end when nothing else keeps them, with the listener open and one who listens', async () => {
    await startWaiter(0);
    expect(words).toEqual(['free', 'waiting']);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    await within(ended, 5_000);
    expect(child.exitCode).toBe(0);
  });
});
