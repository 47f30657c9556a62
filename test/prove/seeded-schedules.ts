/**
 * Three processes order pictures by a seed: the same ones and others, repeated, given up and asked for, while the network
 * and the service do what they like, clocks drift and are set, and processes are stopped, put to sleep, killed and ended.
 */
import { isSettled, type Job } from '../../src/core/job.ts';
import type { CaseResult, Mode } from './mode.ts';
import { withSeededNames } from './seeded-names.ts';
import { batch, diskDelays, type Intent, Stage, single } from './stage.ts';
import type { Program, ProgramSettings } from './virtual-program.ts';
import { MUCH_TROUBLE, NO_TROUBLE } from './virtual-service.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LIMIT_MS = 48 * HOUR_MS;
/** From one end to the other it is more than a day. */
const OFF_MAX_MS = 13 * HOUR_MS;

export const seededSchedules: Mode = {
  name: 'seeded schedules',
  async *play({ seed, runs = 1_500 }) {
    for (let number = 0; number < runs; number += 1) yield await playSchedule(seed + number);
  },
};

export function playSchedule(seed: number): Promise<CaseResult> {
  return withSeededNames(seed, async () => {
    const schedule = new Schedule(seed);
    const { world, audit, service } = schedule.stage;
    await world.during(schedule.play(), LIMIT_MS).catch((error: unknown) => audit.breach('no end', String(error)));
    const { breaches, trace } = audit;
    const intents = audit.wanted.size;
    return {
      name: `schedule ${seed}`,
      seed,
      isOwnSeed: true,
      intents,
      charges: service.charges.length,
      breaches,
      trace,
    };
  });
}

/** The plans differ by slots and by requests a minute; the smaller budgets do not suffice for all that is wanted. */
const SETTINGS: readonly Partial<ProgramSettings>[] = [
  { plan: 'pro' },
  { plan: 'starter' },
  { plan: 'free' },
  { plan: 'pro', maxCreditsPerDay: 60 },
  { plan: 'starter', maxCreditsPerDay: 100 },
];

/** A place for a process: when it is killed, another one starts there. */
type Seat = { name: string; program: Program };

class Schedule {
  readonly stage: Stage;
  readonly #seats: Seat[] = [];
  /** Calls are repeated until then. */
  readonly #untilMs: number;
  /**
   * Clocks that differ by minutes, as on several machines with one folder; or one clock of all, which is wrong by hours
   * and set meanwhile.
   */
  readonly #hasOneClock: boolean;
  #clockOffMs = 0;
  #users = 0;

  constructor(seed: number) {
    const stage = new Stage({ seed, settings: SETTINGS[seed % SETTINGS.length] as Partial<ProgramSettings> });
    this.stage = stage;
    const { dice } = stage;
    this.#untilMs = dice.between(MINUTE_MS, 5 * MINUTE_MS);
    this.#hasOneClock = dice.chance(0.3);
    if (this.#hasOneClock && dice.chance(0.5)) this.#clockOffMs = dice.between(-OFF_MAX_MS, OFF_MAX_MS);
    // In some runs the network is quiet, so that what processes do to each other shows.
    stage.service.trouble = dice.chance(0.25) ? NO_TROUBLE : MUCH_TROUBLE;
    for (const name of ['a', 'b', 'c']) this.#seats.push({ name, program: this.#start(name) });
  }

  #start(name: string): Program {
    const { dice } = this.stage;
    return this.stage.start({
      name,
      stepDelayMs: (label) => diskDelays(label) * (0.5 + dice.roll()),
      offsetMs: this.#hasOneClock ? this.#clockOffMs : dice.between(0, 1) * this.#minutes(),
      drift: dice.chance(0.5) ? dice.between(-20, 20) / 1_000 : 0,
    });
  }

  #minutes(): number {
    return this.stage.dice.between(-10 * MINUTE_MS, 10 * MINUTE_MS);
  }

  async #setClocks(seat: Seat): Promise<void> {
    if (!this.#hasOneClock) {
      seat.program.process.jump(this.#minutes());
      return;
    }
    const { dice, audit } = this.stage;
    // Not back by hours while there is an order that may leave, or has left, before the service has told its time: its key
    // would count as one that may be forgotten, until the clock has caught up (docs/durability.md).
    const isTold = (job: Job): boolean => isSettled(job) || job.remoteId !== undefined || job.sentAt !== undefined;
    const isAnyTime = (await audit.records()).every(isTold);
    const earliest = isAnyTime ? -OFF_MAX_MS : this.#clockOffMs - 10 * MINUTE_MS;
    const offMs = dice.chance(0.3) && isAnyTime ? 0 : dice.between(earliest, OFF_MAX_MS);
    for (const { program } of this.#seats) program.process.jump(offMs - this.#clockOffMs);
    this.#clockOffMs = offMs;
  }

  async play(): Promise<void> {
    const { stage } = this;
    const { dice } = stage;
    const intents = Array.from({ length: dice.between(1, 4) }, (_, number) => stage.intend(this.#newIntent(number)));
    const users = intents.map((intent) => this.#use(intent));
    const disturbances = this.#seats.map((seat) => this.#disturb(seat));
    await Promise.all([...users, ...disturbances]);
    for (const { program } of this.#seats) program.process.thaw();
    await stage.finish(this.#anySeat().program, intents);
  }

  #newIntent(number: number): Intent {
    const { dice } = this.stage;
    if (dice.chance(0.6)) return single(`picture ${number}`);
    const third = dice.chance(0.3) ? 'a' : 'c';
    return batch(['a', 'b', third].map((entry) => `picture ${number}${entry}`));
  }

  #anySeat(): Seat {
    return this.#seats[this.stage.dice.between(0, this.#seats.length - 1)] as Seat;
  }

  /** Calls from any process, one after the other or next to each other, until the pictures are there. */
  async #use(intent: Intent): Promise<void> {
    const { stage } = this;
    const { dice } = stage;
    const { clock } = stage.world.outside;
    this.#users += 1;
    await clock.sleep(dice.between(0, 20_000));
    const open: Promise<boolean>[] = [];
    while (stage.world.time < this.#untilMs) {
      const call = this.#callOnce(this.#anySeat().program, intent);
      open.push(call);
      // Somebody else wants the same at the same moment.
      if (dice.chance(0.3)) open.push(this.#callOnce(this.#anySeat().program, intent));
      const isOver = await Promise.race([call, clock.sleep(dice.between(0, 60_000)).then(() => false)]);
      // One that is over is asked for once more, as somebody does who has lost the answer.
      if (isOver && dice.chance(0.7)) break;
      await clock.sleep(dice.between(0, 10_000));
    }
    // A call that hangs in a process that stands still has no end of its own.
    await Promise.race([Promise.all(open), clock.sleep(2 * MINUTE_MS)]);
    this.#users -= 1;
  }

  /** @returns whether its pictures are there */
  async #callOnce(program: Program, intent: Intent): Promise<boolean> {
    const { stage } = this;
    const { dice } = stage;
    const { clock } = program.process;
    const giveUp = new AbortController();
    if (dice.chance(0.25)) {
      const patienceMs = dice.between(0, 30_000);
      void program.process
        .unlessKilled(clock.sleep(patienceMs))
        .then((slept) => slept !== 'killed' && giveUp.abort(new Error('the host gives up')));
    }
    const outcome = await stage.call(program, intent, giveUp.signal);
    if (outcome.type === 'jobs' && dice.chance(0.3)) {
      const reader = this.#anySeat().program;
      for (const { id } of outcome.jobs)
        await reader.process.unlessKilled(reader.jobs.check(id)).catch(() => undefined);
    }
    return stage.isFinal(outcome);
  }

  async #disturb(seat: Seat): Promise<void> {
    const { stage } = this;
    const { dice, world, audit } = stage;
    const { clock } = world.outside;
    // The first seconds of an order are what matters most.
    for (let wait = 4_000; this.#users > 0; wait = Math.min(2 * wait, 30_000)) {
      await clock.sleep(dice.between(0, wait));
      const { process } = seat.program;
      const kind = dice.weighted({ kill: 3, end: 1, freeze: 2, sleep: 1, jump: 1, nothing: 4 });
      if (kind !== 'nothing') audit.note(`${seat.program.session}: ${kind}`);
      if (!['nothing', 'jump'].includes(kind)) audit.disturbed.add(seat.program.session);
      if (kind === 'kill' || kind === 'end') await this.#replace(seat, kind);
      if (kind === 'freeze')
        await this.#pause(
          () => process.freeze(),
          () => process.thaw(),
        );
      if (kind === 'sleep')
        await this.#pause(
          () => process.fallAsleep(),
          () => process.wakeUp(),
        );
      if (kind === 'jump') await this.#setClocks(seat);
    }
  }

  async #replace(seat: Seat, kind: 'kill' | 'end'): Promise<void> {
    const { dice, world } = this.stage;
    if (kind === 'end') {
      const closed = seat.program.process.unlessKilled(seat.program.jobs.close());
      await Promise.race([closed, world.outside.clock.sleep(5_000)]);
    }
    this.stage.kill(seat.program);
    await world.outside.clock.sleep(dice.between(0, 10_000));
    seat.program = this.#start(seat.name);
  }

  async #pause(begin: () => void, end: () => void): Promise<void> {
    const { dice, world } = this.stage;
    begin();
    await world.outside.clock.sleep(
      dice.chance(0.8) ? dice.between(100, 30_000) : dice.between(MINUTE_MS, 10 * MINUTE_MS),
    );
    end();
  }
}
