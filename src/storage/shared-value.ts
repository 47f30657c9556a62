/** One small value that processes share: read by all, changed by one at a time. */
import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Processes } from '../core/processes.ts';
import { type Durability, writeAtomic } from './atomic-file.ts';
import { errorCode } from './error-code.ts';
import { FileLock } from './file-lock.ts';
import { LockMarks } from './lock-marks.ts';
import { makeFolder } from './make-folder.ts';
import { readText } from './read-text.ts';

export interface SharedValue<Value> {
  read(): Promise<Value>;
  /** `change` sees the newest value; nobody else changes it meanwhile. It may run more than once. */
  update<Result>(change: Change<Value, Result>, options?: ChangeOptions): Promise<Result>;
}

type Change<Value, Result> = (value: Value) => { value: Value; result: Result };
/** `durability`: what this change must survive; by default the form's word. */
type ChangeOptions = { durability?: Durability };

export type ValueForm<Value> = {
  /** @returns `undefined` for a text that does not hold such a value. @throws when it must not be replaced */
  read: (text: string) => Value | undefined;
  write: (value: Value) => string;
  /** The value when there is no file, or a damaged one. */
  initial: () => Promise<Value> | Value;
  /** What every change must survive. */
  durability: Durability;
};

/** @param path absolute; its folder is made at the first change */
export function createFileValue<Value>(
  path: string,
  form: ValueForm<Value>,
  deps: { clock: Clock; log: Log; processes: Processes },
): SharedValue<Value> {
  const lock = new FileLock(deps.processes, deps.clock, new LockMarks(deps.processes));
  let last: Promise<unknown> = Promise.resolve();
  /** What was understood last: the same text need not be understood again, which costs far more than reading it. */
  let known: { text: string; value: Value } | undefined;

  /** `undefined` when there is no file; `damaged` when it does not hold such a value. */
  function readNow(): Value | 'damaged' | undefined {
    const text = readText(path);
    if (text === undefined) return undefined;
    if (text === known?.text) return known.value;
    const value = form.read(text);
    if (value === undefined) return 'damaged';
    known = { text, value };
    return value;
  }

  async function read(): Promise<Value> {
    const seen = readNow();
    return seen === undefined || seen === 'damaged' ? form.initial() : seen;
  }

  /** What is about to be replaced without having been understood is kept for a person to look at. */
  function keepDamaged(): void {
    const aside = `${path}.${deps.clock.now()}.damaged`;
    renameSync(path, aside);
    deps.log.error('a damaged file of the shared limits was set aside', { file: aside });
  }

  async function update<Result>(change: Change<Value, Result>, options: ChangeOptions): Promise<Result> {
    try {
      return await changeUnderLock(change, options);
    } catch (error) {
      // As a rule the folder is there; it is made where it turns out not to be.
      if (errorCode(error) !== 'ENOENT') throw error;
      await makeFolder(dirname(path));
      return changeUnderLock(change, options);
    }
  }

  async function changeUnderLock<Result>(change: Change<Value, Result>, options: ChangeOptions): Promise<Result> {
    const { durability = form.durability } = options;
    return lock.hold(`${path}.lock`, async (assertHeld) => {
      const seen = readNow();
      if (seen === 'damaged') keepDamaged();
      const before = seen === undefined || seen === 'damaged' ? await form.initial() : seen;
      const { value, result } = change(before);
      if (value === before) return result;
      const text = form.write(value);
      await writeAtomic(path, text, deps.clock, { durability, before: assertHeld });
      known = { text, value };
      return result;
    });
  }

  return {
    read,
    // In turn within this process: waiting for the lock file is for other processes.
    update(change, options = {}) {
      const turn = last.then(() => update(change, options));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** For as long as the process lives. */
export function createMemoryValue<Value>(initial: Value): SharedValue<Value> {
  let current = initial;
  return {
    read: async () => current,
    update: async (change) => {
      const { value, result } = change(current);
      current = value;
      return result;
    },
  };
}
