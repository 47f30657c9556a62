/** The crash run: processes order, are killed at any moment, others take over; then the books are compared. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobState } from '../../src/core/job.ts';
import { wordsOf } from '../support/words.ts';
import { type Books, readBooks, recordOf } from './books.ts';
import { type Crew, hireCrew, type Worker, type WorkerEnd } from './crew.ts';
import { createDice, type Dice } from './dice.ts';
import { createProcessClock, type ProcessClock } from './process-clock.ts';
import { scriptRandomFaults } from './random-faults.ts';
import { type Stage, setStage } from './stage.ts';
import type { JobNews, Order, WorkerMessage, WorkerTask } from './worker-task.ts';

export type CrashOptions = {
  seed: number;
  /** At least so many processes are killed while an order of theirs is under way. */
  kills: number;
  /** At least so many different pictures are wanted. */
  intents: number;
  /** Processes at once. */
  workers: readonly [min: number, max: number];
  /** False: the service gets no idempotency key, as from a client without them. */
  withKeys: boolean;
  onProgress?: (text: string) => void;
};

export type CrashReport = Books & {
  seed: number;
  intents: number;
  processes: number;
  kills: number;
  /** Processes that were killed before they ordered anything, or after all was done. */
  idleKills: number;
  /** What the records of open orders said when their process was killed. */
  killedIn: Record<string, number>;
  /** Orders that were given to another process after a kill or an answer without an end. */
  repeated: number;
  /** Answers that said that they are the job of an earlier order. */
  duplicates: number;
  /** Orders that nobody asked for again. */
  leftToRecovery: number;
  recoveryRounds: number;
  /** What the last process found open when it was done. */
  openAfterRecovery: number;
  problems: readonly string[];
};

/** An order that nobody has seen for so long is not asked for again: it is left to the recovery. */
const REPEAT_WITHIN_MS = 60_000;
/** An order that was repeated so often will not come to an end in this run. */
const MOST_REPEATS = 25;
const WAIT_MS = 120_000;
const MOST_PROBLEMS = 50;
const FAULTS_SCRIPTED = 20_000;
const KILLED = 0.9;
const INTENTS_PER_WORKER = [2, 7] as const;
const LANES = [1, 4] as const;
const FIRST_GUESS_OF_LIFE_MS = 1_200;
const RECOVERY_ROUNDS = 12;

type Intent = { prompt: string; started?: true; jobId?: string; lastSeen: number; repeated: number };
/** What became of an intent in one process; `undefined` as long as it was not even started. */
type Progress = { intent: Intent; started?: true; news?: JobNews; over?: true };

/** `again`: ordered as before. `check`: asked for by its id. `left`: forgotten by whoever wanted it. */
const AFTER_A_KILL = { again: 70, check: 12, left: 18 } as const;
const AFTER_AN_OPEN_END = { again: 60, check: 25, left: 15 } as const;

class CrashRun {
  readonly #dice: Dice;
  readonly #running = new Set<Promise<void>>();
  readonly #again: { intent: Intent; check: boolean }[] = [];
  #fresh = 0;
  #typicalLifeMs = FIRST_GUESS_OF_LIFE_MS;
  readonly tally = {
    processes: 0,
    kills: 0,
    idleKills: 0,
    killedIn: {} as Record<string, number>,
    repeated: 0,
    duplicates: 0,
    leftToRecovery: 0,
  };
  readonly problems: string[] = [];

  constructor(
    private readonly options: CrashOptions,
    private readonly stage: Stage,
    private readonly crew: Crew,
    private readonly clock: ProcessClock,
  ) {
    this.#dice = createDice(options.seed);
  }

  get intents(): number {
    return this.#fresh;
  }

  async orderAndKill(): Promise<void> {
    const [min, max] = this.options.workers;
    let atOnce = max;
    for (;;) {
      while (this.#running.size < atOnce && this.#isWorkLeft()) this.#startOne();
      if (this.#running.size === 0) return;
      await Promise.race(this.#running);
      atOnce = this.#dice.between(min, max);
    }
  }

  #isWorkLeft(): boolean {
    const { intents, kills } = this.options;
    // Else a program that does nothing at all would be tried for ever.
    if (this.problems.length > MOST_PROBLEMS) return false;
    return this.#again.length > 0 || this.#fresh < intents || this.tally.kills < kills;
  }

  #startOne(): void {
    const batch: Progress[] = [];
    const orders: Order[] = [];
    const size = this.#dice.between(...INTENTS_PER_WORKER);
    while (batch.length < size) {
      const next = this.#next();
      if (next === undefined) break;
      const { intent, check } = next;
      batch.push({ intent });
      orders.push({ prompt: intent.prompt, ...(check && intent.jobId !== undefined ? { checkOn: intent.jobId } : {}) });
    }
    if (batch.length === 0) return;
    this.tally.processes += 1;
    const { processes, kills } = this.tally;
    if (processes % 50 === 0)
      this.options.onProgress?.(`${this.#fresh} intents, ${processes} processes, ${kills} kills`);
    const work = { type: 'orders', orders, lanes: this.#dice.between(...LANES), waitMs: WAIT_MS } as const;
    const worker = this.crew.start(this.clock, taskOf(this.stage, this.clock, work), (message) =>
      this.#hear(batch, message),
    );
    if (this.tally.kills < this.options.kills && this.#dice.chance(KILLED)) {
      const timer = setTimeout(() => worker.kill(), this.#dice.roll() * this.#typicalLifeMs);
      void worker.ended.then(() => clearTimeout(timer));
    }
    const done: Promise<void> = worker.ended.then(async (end) => {
      await this.#bury(worker, end, batch);
      this.#running.delete(done);
    });
    this.#running.add(done);
  }

  #next(): { intent: Intent; check: boolean } | undefined {
    for (let next = this.#again.shift(); next !== undefined; next = this.#again.shift()) {
      if (next.intent.started === undefined) return next;
      if (this.clock.now() - next.intent.lastSeen < REPEAT_WITHIN_MS && next.intent.repeated < MOST_REPEATS) {
        next.intent.repeated += 1;
        this.tally.repeated += 1;
        return next;
      }
      if (next.intent.repeated === MOST_REPEATS) this.problems.push(`${next.intent.prompt} comes to no end`);
      // After the time in which equal orders are one, the same prompt would be a new wish.
      this.tally.leftToRecovery += 1;
    }
    const { intents, kills } = this.options;
    if (this.#fresh >= intents && this.tally.kills >= kills) return undefined;
    this.#fresh += 1;
    return { intent: { prompt: `intent ${this.#fresh}`, lastSeen: this.clock.now(), repeated: 0 }, check: false };
  }

  #hear(batch: readonly Progress[], message: WorkerMessage): void {
    if (message.type === 'problem') this.problems.push(message.text);
    if (message.type === 'problem' || message.type === 'recovered') return;
    const progress = batch.find(({ intent }) => intent.prompt === message.prompt);
    if (progress === undefined) return;
    progress.intent.lastSeen = this.clock.now();
    if (message.type === 'started') {
      progress.started = true;
      progress.intent.started = true;
    } else if (message.type === 'refused') {
      progress.over = true;
      this.problems.push(`${message.prompt} was refused: ${message.failure.kind}: ${wordsOf(message.failure).what}`);
    } else {
      progress.news = message.job;
      progress.intent.jobId = message.job.jobId;
      if (message.type === 'ended') this.#end(progress, message.job);
    }
  }

  #end(progress: Progress, { state, duplicate, failure }: JobNews): void {
    progress.over = true;
    if (duplicate) this.tally.duplicates += 1;
    if (state === 'saved') return;
    if (state !== 'failed') this.#followUp(progress.intent, AFTER_AN_OPEN_END);
    else if (failure?.creditsSpent === 'no') this.#again.push({ intent: progress.intent, check: false });
    else this.problems.push(`${progress.intent.prompt} failed: ${failure && wordsOf(failure).what}`);
  }

  #followUp(intent: Intent, weights: Readonly<Record<'again' | 'check' | 'left', number>>): void {
    const choice = this.#dice.weighted(weights);
    if (choice === 'left') this.tally.leftToRecovery += 1;
    else this.#again.push({ intent, check: choice === 'check' });
  }

  async #bury(worker: Worker, { code, signal, lifeMs }: WorkerEnd, batch: readonly Progress[]): Promise<void> {
    const open = batch.filter(({ over }) => over === undefined);
    if (signal === 'SIGKILL') {
      const busy = open.some(({ started }) => started);
      this.tally[busy ? 'kills' : 'idleKills'] += 1;
      for (const { started, news } of open) {
        const recorded = news === undefined ? undefined : (await recordOf(this.stage, news.jobId))?.state;
        const at = recorded ?? (started ? 'ordering' : 'before ordering');
        this.tally.killedIn[at] = (this.tally.killedIn[at] ?? 0) + 1;
      }
    } else {
      this.#typicalLifeMs += (lifeMs - this.#typicalLifeMs) / 10;
      if (code !== 0 || open.length > 0) this.problems.push(`a process ended with ${code}: ${worker.stderr()}`);
    }
    for (const { intent, started } of open) {
      if (started) this.#followUp(intent, AFTER_A_KILL);
      else this.#again.unshift({ intent, check: false });
    }
    const { kills, processes } = this.tally;
    if (processes % 20 === 0)
      this.options.onProgress?.(`${this.#fresh} intents, ${processes} processes, ${kills} kills`);
  }
}

function taskOf(stage: Stage, { file }: ProcessClock, work: WorkerTask['work']): WorkerTask {
  return {
    settings: stage.settings,
    clock: { file },
    requestWindow: { windowMs: 1_000, slackMs: 100 },
    work,
  };
}

export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const folder = await mkdtemp(join(tmpdir(), 'flux-crash-run-'));
  const clock = createProcessClock(folder);
  clock.keepPassing();
  const stage = await setStage(clock, {
    sandbox: { jobDurationMs: 600, seed: String(options.seed) },
    witness: { withoutKeys: !options.withKeys },
  });
  const crew = await hireCrew(folder);
  try {
    scriptRandomFaults(stage.faults, options.seed, FAULTS_SCRIPTED);
    const run = new CrashRun(options, stage, crew, clock);
    await run.orderAndKill();
    stage.witness.stopFaults();
    const recovered = await recover(stage, crew, clock, run.problems);
    const books = await readBooks(stage, { exact: options.withKeys });
    return {
      ...books,
      ...run.tally,
      seed: options.seed,
      intents: run.intents,
      recoveryRounds: recovered?.rounds ?? 0,
      openAfterRecovery: recovered?.open ?? Number.NaN,
      problems: run.problems,
      broken: [...run.problems, ...books.broken],
    };
  } finally {
    await crew.close();
    await stage.close();
    clock.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function recover(
  stage: Stage,
  crew: Crew,
  clock: ProcessClock,
  problems: string[],
): Promise<Extract<WorkerMessage, { type: 'recovered' }> | undefined> {
  let reported: Extract<WorkerMessage, { type: 'recovered' }> | undefined;
  const work = { type: 'recovery', rounds: RECOVERY_ROUNDS, waitMs: WAIT_MS } as const;
  const worker = crew.start(clock, taskOf(stage, clock, work), (message) => {
    if (message.type === 'recovered') reported = message;
    if (message.type === 'problem') problems.push(message.text);
  });
  const { code, signal } = await worker.ended;
  if (code !== 0) problems.push(`the recovery ended with ${code ?? signal}: ${worker.stderr()}`);
  return reported;
}

/** The keys of `killedIn`. `ordering`: there was no answer yet, and perhaps no record. */
export const KILLED_IN: readonly (JobState | 'before ordering' | 'ordering')[] = [
  'before ordering',
  'ordering',
  'queued',
  'submitting',
  'processing',
  'completed',
  'saved',
  'failed',
];
