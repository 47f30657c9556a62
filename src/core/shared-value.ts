/** The ports to small values that processes share, and how one is changed: by versions, so that nobody waits for a lock. */
import type * as z from 'zod';
import type { Clock } from './ports.ts';
import { type CreditsSpent, FluxError } from './failure.ts';
import { Mutex } from './primitives.ts';
import type { Changed } from './reasons.ts';

/**
 * Which version of a value was read. `number` only ever grows. `changes`: the ids of the last changes that it was built
 * from, one of each writer. `durable`: the number of the last version that survives a crash of the machine.
 */
export type Version = {
  readonly number: number;
  readonly changes: readonly string[];
  readonly durable?: number | undefined;
  readonly isDamaged?: true;
};

/** Nothing is kept yet. */
export const NO_VERSION: Version = { number: 0, changes: [] };

export type Versioned<Value> = { value: Value; version: Version };

/** `conflict`: the version that was read is not the newest one any more, and nothing has changed. */
export type Replacement = 'done' | 'conflict';

/** What a change survives: the end of the process, or a crash of the machine as well. */
export type Durability = 'process' | 'machine';

export interface SharedValue<Value> {
  read(): Promise<Versioned<Value>>;
  replace(version: Version, value: Value, durability: Durability): Promise<Replacement>;
  /** The queue of those who change it; absent where a change is never tried more than a few times. */
  queue?(): ChangeQueue;
}

/** Those who have lost to others go first. It only orders who tries when: a version alone decides whose change counts. */
export interface ChangeQueue {
  /** Waits for those who have lost more often, for a moment at most. @param lost tries that others were faster than */
  wait(lost: number): Promise<void>;
  leave(): Promise<void>;
}

export type ValueSpec<Value> = {
  /** Letters and dashes: it becomes a part of a file name. */
  name: string;
  schema: z.ZodType<Value>;
  /** The value when there is none yet, or a damaged one. */
  initial: () => Promise<Value> | Value;
};

export interface SharedValues {
  readonly location: string;
  open<Value>(spec: ValueSpec<Value>): SharedValue<Value>;
}

/** It sees the newest value, may run more than once, and returns the very same value where nothing changes. */
export type Rule<Value, Result> = (before: Value) => { value: Value; result: Result };

/** A writer that has lost twice is let through: more are needed only when many stand still at the wrong moment. */
const TRIES = 8;
/** At random up to that: those who collided once come back at different times. */
const PAUSE_MS = 16;

/**
 * Runs the rule between reading and replacing, again for as long as others are faster.
 * @throws FluxError of kind `storage_failed` when they always were
 */
export async function changeAtVersion<Value, Result>(
  target: {
    changed: Changed;
    read: () => Promise<Versioned<Value>>;
    replace: (seen: Versioned<Value>, value: Value) => Promise<Replacement>;
    /** What an order whose change is given up may have cost by then. */
    creditsSpent: (value: Value) => CreditsSpent;
    queue?: ChangeQueue | undefined;
  },
  rule: Rule<Value, Result>,
  clock: Pick<Clock, 'sleep' | 'random'>,
): Promise<Result> {
  const { queue, changed, creditsSpent } = target;
  try {
    for (let attempt = 1; ; attempt += 1) {
      await queue?.wait(attempt - 1);
      const seen = await target.read();
      const { value, result } = rule(seen.value);
      if (value === seen.value || (await target.replace(seen, value)) === 'done') return result;
      if (attempt === TRIES) {
        const reason = { code: 'change_contended', changed, tries: TRIES } as const;
        const spent = creditsSpent(seen.value);
        throw new FluxError({ kind: 'storage_failed', reason, creditsSpent: spent, retry: 'later' });
      }
      await clock.sleep(clock.random() * PAUSE_MS);
    }
  } finally {
    await queue?.leave();
  }
}

/** A shared value as one process changes it. */
export class SharedState<Value> {
  readonly #value: SharedValue<Value>;
  readonly #changed: Changed;
  /** Changes of this process take turns: versions are for other processes. */
  readonly #turns = new Mutex();

  constructor(
    values: SharedValues,
    spec: ValueSpec<Value>,
    private readonly clock: Pick<Clock, 'sleep' | 'random'>,
  ) {
    this.#value = values.open(spec);
    this.#changed = { type: 'value', name: spec.name, location: values.location };
  }

  async read(): Promise<Value> {
    return (await this.#value.read()).value;
  }

  change<Result>(rule: Rule<Value, Result>, durability: Durability = 'process'): Promise<Result> {
    const target = {
      changed: this.#changed,
      read: () => this.#value.read(),
      replace: ({ version }: Versioned<Value>, value: Value) => this.#value.replace(version, value, durability),
      creditsSpent: () => 'no' as const,
      queue: this.#value.queue?.(),
    };
    return this.#turns.run(() => changeAtVersion(target, rule, this.clock));
  }

  update(rule: (before: Value) => Value): Promise<void> {
    return this.change((before) => ({ value: rule(before), result: undefined }));
  }
}
