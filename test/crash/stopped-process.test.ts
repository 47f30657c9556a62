/** A process that lives but does not move: others go on, and when it comes to itself nothing is paid twice. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { valueFile } from '../support/state-files.ts';
import { recordsFolder } from './books.ts';
import { type Crew, hireCrew } from './crew.ts';
import { createProcessClock, type ProcessClock } from './process-clock.ts';
import { LONG_MS } from './single-app.ts';
import { type Stage, setStage } from './stage.ts';
import type { WorkerMessage, WorkerTask } from './worker-task.ts';

const open: { stage?: Stage; crew?: Crew; clock?: ProcessClock; folder?: string } = {};
afterEach(async () => {
  await open.crew?.close();
  await open.stage?.close();
  open.clock?.stop();
  if (open.folder !== undefined) await rm(open.folder, { recursive: true, force: true });
});

/** By real time: a stopped process does not move with the clock. */
async function untilAdmitted(stage: Stage): Promise<void> {
  const admitted = async (): Promise<boolean> =>
    (await readFile(valueFile(recordsFolder(stage), 'reservations'), 'utf8')).includes('"job_');
  while (!(await admitted().catch(() => false))) await sleepFor(5);
}

// Windows cannot stop a process.
it.skipIf(process.platform === 'win32')('between the admission of an order and its record', async () => {
  open.folder = await mkdtemp(join(tmpdir(), 'flux-stopped-'));
  const clock = createProcessClock(open.folder);
  open.clock = clock;
  const stage = await setStage(clock, { sandbox: { jobDurationMs: 500 } });
  open.stage = stage;
  open.crew = await hireCrew(stage.folder);
  const task: WorkerTask = {
    settings: stage.settings,
    clock: { file: clock.file },
    work: { type: 'orders', orders: [{ prompt: 'a wren' }], lanes: 1, waitMs: LONG_MS },
  };
  const reported: WorkerMessage[] = [];
  const stopped = open.crew.start(clock, { ...task, stopsBeforeRecording: true }, (message) => reported.push(message));
  clock.keepPassing();
  await untilAdmitted(stage);
  stopped.leave();
  await open.crew.start(clock, task, (message) => reported.push(message)).ended;
  stopped.join();
  process.kill(stopped.pid, 'SIGCONT');
  await stopped.ended;

  // Whichever of the two sent it, and whatever the other one was told.
  expect(stage.sandbox.inspect().charges).toHaveLength(1);
  expect(reported.filter(({ type }) => type === 'problem')).toEqual([]);
});
