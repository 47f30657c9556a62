/** What is to be done about a job that is met: one table for whoever comes across it. */
import { isSameOwner, type Job, type JobState } from './job.ts';
import type { Processes } from './ports.ts';

/**
 * `poll`: ask the service for its status, and fetch its picture. `resend`: send the order once more under its own key.
 * `wait`: this process or another one is at work on it. `close_unsent`: nothing has left, and nobody will send it.
 */
export type NextAction = 'poll' | 'resend' | 'wait' | 'close_unsent' | 'none';

/** `alive`: another process that is at work on it. `silent`: another process that is gone, or seems to be stuck. */
export type JobOwner = 'self' | 'alive' | 'silent';

export type MetJob = {
  state: JobState;
  owner: JobOwner;
  /** `stalled`: it has been under way for so long that it is polled only when somebody asks for it. */
  age: 'recent' | 'stalled';
  /** This process is at work on it. */
  running: boolean;
  /** A caller asks for it; otherwise it is met while reservations are reconciled. */
  asked: boolean;
};

type Row = readonly [
  state: JobState | '*',
  owner: JobOwner | '*',
  age: MetJob['age'] | '*',
  running: boolean | '*',
  asked: boolean | '*',
  action: NextAction,
];

/** The first row that fits counts; `*` fits everything. State, owner, age, running, asked: action. */
const TABLE: readonly Row[] = [
  ['saved', '*', '*', '*', '*', 'none'],
  ['failed', '*', '*', '*', '*', 'none'],
  ['*', '*', '*', true, '*', 'wait'],
  ['unknown', '*', '*', '*', '*', 'none'],

  ['queued', 'alive', '*', '*', '*', 'wait'],
  ['queued', '*', '*', '*', '*', 'close_unsent'],

  // If the other process is taken for alive by mistake, its answer is missed for a while; nothing is sent twice.
  ['submitting', 'alive', '*', '*', '*', 'wait'],
  ['submitting', '*', '*', '*', '*', 'resend'],

  // Whoever sent it may end before it is finished: from the service's answer on, those who ask for it poll as well.
  ['processing', '*', '*', '*', true, 'poll'],
  ['processing', 'alive', '*', '*', '*', 'wait'],
  ['processing', '*', 'stalled', '*', '*', 'none'],
  ['processing', '*', '*', '*', '*', 'poll'],

  ['completed', '*', '*', '*', true, 'poll'],
  ['completed', '*', '*', '*', '*', 'none'],
];

export function nextAction({ state, owner, age, running, asked }: MetJob): NextAction {
  const met = [state, owner, age, running, asked] as const;
  const row = TABLE.find((conditions) => met.every((value, at) => conditions[at] === '*' || conditions[at] === value));
  if (row === undefined) throw new Error(`no next action is set for a job that is ${state}`);
  return row[5];
}

/**
 * A process that waits for a slot says so on record every minute, and one that sends needs three tries of 30 s with the
 * delays between them: one that has written nothing for so long is stuck.
 */
const SILENT_AFTER_MS = 5 * 60_000;

/** Who is at work on the job, as far as its record says. `now` in epoch milliseconds. */
export function ownerOf({ owner, state, updatedAt }: Job, processes: Processes, now: number): JobOwner {
  if (isSameOwner(owner, processes.self())) return 'self';
  if (!processes.isAlive(owner)) return 'silent';
  const isSending = state === 'queued' || state === 'submitting';
  return isSending && Math.abs(now - updatedAt) >= SILENT_AFTER_MS ? 'silent' : 'alive';
}
