/** A worker process: an app of its own over the shared folders, which orders or recovers as its task says. */
import { type App, createApp } from '../../src/app.ts';
import type { Clock, Ids, Log } from '../../src/core/ports.ts';
import { FluxError } from '../../src/core/failure.ts';
import type { Job } from '../../src/core/job.ts';
import { randomIds } from '../../src/runtime/system.ts';
import { placeOrder } from '../support/place-orders.ts';
import { followClock } from './following-clock.ts';
import { type JobNews, type Order, TASK_VARIABLE, type WorkerMessage, type WorkerTask } from './worker-task.ts';

const SIDE = 256;
const RECOVERY_LANES = 8;

const line =
  (level: string) =>
  (message: string, fields?: object): void => {
    console.error(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  };
const log: Log = { debug() {}, info() {}, warn: line('warn'), error: line('error') };

/** Resolves when the parent's end of the pipe has it: what was told before a kill is known after it. */
function report(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) throw new Error('nobody listens');
    process.send(message, () => resolve());
  });
}

async function main(): Promise<void> {
  const task = JSON.parse(process.env[TASK_VARIABLE] ?? '') as WorkerTask;
  const clock = followClock(task.clock);
  const app = await createApp(task.settings, {
    log,
    onSecret: () => undefined,
    clock,
    ...(task.requestWindow === undefined ? {} : { requestWindow: task.requestWindow }),
    ...(task.stopsBeforeRecording ? { ids: stoppingIds } : {}),
  });
  const { work } = task;
  if (work.type === 'recovery') await recover(app, work);
  else {
    const waiting = [...work.orders];
    await inLanes(work.lanes, () => {
      const order = waiting.shift();
      return order === undefined ? undefined : carryOut(app, clock, order, work.waitMs);
    });
  }
  await app.close();
}

/** The key is made right before the record is written. */
const stoppingIds: Ids = {
  ...randomIds,
  idempotencyKey() {
    process.kill(process.pid, 'SIGSTOP');
    return randomIds.idempotencyKey();
  },
};

async function inLanes(lanes: number, next: () => Promise<void> | undefined): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let step = next(); step !== undefined; step = next()) await step;
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function carryOut({ jobs }: App, clock: Clock, order: Order, waitMs: number): Promise<void> {
  const { prompt, side = SIDE, notBefore, checkOn } = order;
  if (notBefore !== undefined) await clock.sleep(notBefore - clock.now());
  await report({ type: 'started', prompt });
  // As every tool call does.
  jobs.watch();
  try {
    const { job, duplicate } =
      checkOn === undefined
        ? await placeOrder(jobs, { prompt, width: side, height: side })
        : { job: await known(jobs.check(checkOn)), duplicate: true };
    await report({ type: 'ordered', prompt, job: newsOf(job, duplicate) });
    await report({ type: 'ended', prompt, job: newsOf(await jobs.waitFor(job.id, { waitMs }), duplicate) });
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    await report({ type: 'refused', prompt, failure: error.failure });
  }
}

async function known(check: Promise<Job | undefined>): Promise<Job> {
  const job = await check;
  if (job === undefined) throw new Error('a job that was told is not on record');
  return job;
}

function newsOf({ id, state, failure }: Job, duplicate: boolean): JobNews {
  return { jobId: id, state, duplicate, ...(failure === undefined ? {} : { failure }) };
}

async function recover({ jobs }: App, { rounds, waitMs }: { rounds: number; waitMs: number }): Promise<void> {
  let round = 0;
  let open: readonly Job[] = [];
  for (;;) {
    open = await jobs.open();
    if (open.length === 0 || round === rounds) break;
    round += 1;
    // As `jobs resume` does it: what was refused again and again is sent once more now, not after its pause.
    await jobs.resumeAll();
    const waiting = [...open];
    await inLanes(RECOVERY_LANES, () => {
      const job = waiting.shift();
      return job === undefined ? undefined : resume(jobs, job.id, waitMs);
    });
  }
  const limits = await jobs.limits();
  const { reserved, spentToday } = limits.credits;
  const slots = limits.concurrent.inUse;
  await report({
    type: 'recovered',
    open: open.length,
    rounds: round,
    reservedCredits: reserved,
    spentCredits: spentToday,
    slots,
  });
}

async function resume(jobs: App['jobs'], id: string, waitMs: number): Promise<void> {
  await jobs.check(id);
  await jobs.waitFor(id, { waitMs });
}

const problem = async (error: unknown): Promise<void> => {
  await report({ type: 'problem', text: error instanceof Error ? `${error.stack}` : String(error) });
  process.exit(1);
};
process.on('uncaughtException', problem);
process.on('unhandledRejection', problem);
// Sleeping keeps no process alive; the pipe to the parent does.
process.channel?.ref();
main().then(() => process.disconnect(), problem);
