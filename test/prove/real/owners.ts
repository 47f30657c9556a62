/**
 * Who owns an order, and whether that process lives: its number given to another program, its machine called otherwise,
 * its end an orderly one. The next process takes over what is gone, and leaves alone what lives.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { asFirstProcess, mayUnshare, UNSHARE } from './namespaces.ts';
import { type CaseResult, type Mode, type PlayOptions, skipped } from '../mode.ts';
import { type Server, type ServerOptions, until } from './server.ts';
import { Trial } from './trial.ts';

/** A process that is gone is known to be within 15 s, one that ended orderly at once; the rest is for a slow machine. */
const SILENT_WITHIN_MS = 15_000 + 10_000;
const ENDED_WITHIN_MS = 8_000;
/** Longer than any of it may take. */
const GIVEN_UP_MS = 60_000;

/** So that an order can have to wait for a slot. */
const SLOTS = 3;
const THREE_SLOTS: ServerOptions = { env: { DOITONG_PLAN: 'starter' } };

export const owners: Mode = { name: 'owners', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  if (!mayUnshare()) return yield skipped('this machine or user may not make PID namespaces');
  for (const [name, story] of Object.entries(STORIES)) {
    // Those who wait for one of a few slots wait for longer than it takes to be silent.
    const jobDurationMs = story === livingElsewhere ? 5_000 : 1_000;
    yield await Trial.play({ name, seed, sandbox: { jobDurationMs } }, async (trial) => {
      const tookMs = await story(trial);
      trial.note(`${(tookMs / 1_000).toFixed(1)} s`);
    });
  }
}

/** Each returns how long the next process took to bring everything to its end. */
const STORIES: Readonly<Record<string, (trial: Trial) => Promise<number>>> = {
  'killed, and another program has its number': reusedNumber,
  'killed, under another host name': otherHost,
  'ended by SIGTERM': (trial) => ended(trial, (server) => server.signal('SIGTERM')),
  'ended by the end of its input': (trial) => ended(trial, (server) => void server.close()),
  'alive, under another host name': livingElsewhere,
};

/** Three orders whose answers never come occupy all slots, and a fourth waits for one. @returns what they would bring */
async function leaveOrders(trial: Trial, owner: Server): Promise<string[]> {
  const before = (await trial.openJobs(owner)).length;
  trial.service.script(Array.from({ length: SLOTS }, () => 'stall' as const));
  const sent = Array.from({ length: SLOTS }, (_, at) => `sent ${at + 1}`);
  for (const prompt of sent) void trial.order(owner, [prompt]).catch(() => undefined);
  const areCharged = async () =>
    (await trial.service.report()).jobs.filter(({ prompt }) => sent.includes(prompt)).length === SLOTS;
  await until('the orders were charged', areCharged, 20_000);
  void trial.order(owner, ['waiting']).catch(() => undefined);
  await until(
    'the fourth was recorded',
    async () => (await trial.openJobs(owner)).length === SLOTS + 1 + before,
    20_000,
  );
  return [...sent, 'waiting'];
}

/** The next process repeats the calls of the one that is gone, and orders a picture of its own, which needs a slot. */
async function takeOver(trial: Trial, next: Server, left: readonly string[], withinMs: number): Promise<number> {
  const begun = performance.now();
  const calls = [...left, 'new'].map((prompt) => trial.orderUntilSaved(() => next, [prompt], GIVEN_UP_MS));
  await Promise.all(calls);
  return within(trial, performance.now() - begun, withinMs);
}

function within(trial: Trial, tookMs: number, withinMs: number): number {
  if (tookMs > withinMs) trial.breach('waits for the dead', `${Math.round(tookMs)} ms, more than ${withinMs}`);
  return tookMs;
}

async function reusedNumber(trial: Trial): Promise<number> {
  const holder = spawn(UNSHARE, ['--pid', '--fork', '--kill-child', '--mount-proc', 'sleep', '600']);
  await until('the namespace is there', () => childOf(holder) !== undefined, 5_000);
  // As if the machine were that namespace: everything below happens in it.
  const inside = ['nsenter', '--target', String(childOf(holder)), '--pid', '--mount'];
  try {
    const owner = await trial.serve({ ...THREE_SLOTS, within: inside });
    const left = await leaveOrders(trial, owner);
    const number = owner.innerPid();
    await owner.kill();
    const [enter = '', ...to] = inside;
    // The next process that begins in the namespace gets the number after this one.
    const program = `echo ${number - 1} > /proc/sys/kernel/ns_last_pid; sleep 600 </dev/null >/dev/null 2>&1 & echo $!`;
    const given = Number(execFileSync(enter, [...to, 'sh', '-c', program], { encoding: 'utf8' }));
    if (given !== number) trial.breach('no end', `the other program has the number ${given}, not ${number}`);
    const next = await trial.serve({ ...THREE_SLOTS, within: inside });
    return await takeOver(trial, next, left, SILENT_WITHIN_MS);
  } finally {
    // With its first process all others of the namespace end.
    holder.kill('SIGKILL');
  }
}

function childOf({ pid }: ChildProcess): number | undefined {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? undefined : Number(text);
}

async function otherHost(trial: Trial): Promise<number> {
  const owner = await trial.serve({ ...THREE_SLOTS, within: asFirstProcess('elsewhere') });
  const left = await leaveOrders(trial, owner);
  await owner.kill();
  return takeOver(trial, await trial.serve(THREE_SLOTS), left, SILENT_WITHIN_MS);
}

/**
 * Whoever comes next only looks: what was sent is sent again and fetched by itself, so is the picture that was being
 * fetched; what was not sent is closed.
 */
async function ended(trial: Trial, end: (server: Server) => void): Promise<number> {
  const owner = await trial.serve(THREE_SLOTS);
  trial.service.script(['stall'], 'picture');
  void trial.order(owner, ['fetched']).catch(() => undefined);
  const isCompleted = async () => (await trial.openJobs(owner))[0]?.status === 'completed';
  await until('a picture is being fetched', isCompleted, 20_000);
  await leaveOrders(trial, owner);
  end(owner);
  await owner.ended;
  const next = await trial.serve(THREE_SLOTS);
  const begun = performance.now();
  await until('nothing is open', async () => (await trial.openJobs(next)).length === 0, GIVEN_UP_MS);
  const tookMs = performance.now() - begun;
  await trial.orderUntilSaved(() => next, ['waiting'], GIVEN_UP_MS);
  return within(trial, tookMs, ENDED_WITHIN_MS);
}

/** The orders of a process that only is slow stay its own, whoever looks at them. */
async function livingElsewhere(trial: Trial): Promise<number> {
  const begun = performance.now();
  const owner = await trial.serve({ ...THREE_SLOTS, within: asFirstProcess('elsewhere') });
  const other = await trial.serve(THREE_SLOTS);
  const batch = Array.from({ length: 12 }, (_, at) => `slow ${at + 1}`);
  const ordered = trial.order(owner, batch, 120);
  await until('the batch was recorded', async () => (await trial.openJobs(owner)).length > SLOTS, 20_000);
  const repeated = trial.order(other, ['slow 12'], 120);
  while ((await trial.openJobs(other)).length > 0) await sleepFor(1_000);
  for (const { status, error } of [...(await ordered), ...(await repeated)])
    if (status !== 'completed') trial.breach('no end', `an order of a process that lives: ${status} ${error?.message}`);
  return performance.now() - begun;
}
