/** What processes show each other by files: that they are at work, and that they wait for their turn. */
import { join } from 'node:path';
import type { Liveness, Log, Owner } from '../core/ports.ts';
import type { ChangeQueue } from '../core/shared-value.ts';
import { errorCode, isFileInUse } from './disk-errors.ts';
import { createInFolder, type FileDeps, kept, ownName, retryBusy } from './file-system.ts';

const BEAT_MS = 2_000;
/** Looks without a change after which a process counts as gone. */
const SILENT_LOOKS = 5;
/** After a longer pause the machine may have slept, and the other process with it: such a look proves nothing. */
const LOOK_GAP_MAX_MS = 2 * BEAT_MS;
/** A process that nobody has asked about for so long is not looked at any more. */
const WATCHED_MS = 60_000;

const NAME = /^([a-z0-9]{1,32})\.(\d{1,15})$/u;

type Seen = { beat: number | undefined; unchanged: number; lookedAt: number; askedAt: number };

/** Who is at work, by a file that each renames every two seconds: process numbers repeat in containers, clocks differ. */
export class Heartbeats implements Liveness {
  readonly #seen = new Map<string, Seen>();
  readonly #life = new AbortController();
  #beat = 0;
  #holders = 0;
  /** Ends with the first beat on disk. */
  #started: Promise<void> | undefined;
  /** Ends with the last beat removed. */
  #beating: Promise<void> = Promise.resolve();
  #isLooking = false;

  /** @param folder absolute; made at the first beat */
  constructor(
    readonly self: Owner,
    private readonly folder: string,
    private readonly deps: FileDeps & { log: Log },
  ) {}

  async begin(): Promise<() => void> {
    this.#holders += 1;
    // Whoever begins may have sent its order long ago.
    this.#started ??= kept(this.folder, 'maybe', () => this.#write()).then(() => {
      this.#beating = this.#keepBeating();
    });
    try {
      await this.#started;
    } catch (error) {
      this.#holders -= 1;
      this.#started = undefined;
      throw error;
    }
    let isHeld = true;
    return () => {
      if (isHeld) this.#holders -= 1;
      isHeld = false;
    };
  }

  async #keepBeating(): Promise<void> {
    const { clock, log } = this.deps;
    try {
      for (;;) {
        await clock.sleep(BEAT_MS, this.#life.signal);
        if (this.#holders === 0) break;
        await this.#write().catch((error: unknown) =>
          log.debug('no heartbeat could be written', { error: errorCode(error) }),
        );
      }
    } catch {
      // The process ends.
    }
    this.#started = undefined;
    await this.deps.files.remove(this.#pathOf(this.#beat)).catch(() => undefined);
  }

  /** The next beat, made anew where somebody took this process for gone and removed the last one. */
  async #write(): Promise<void> {
    const { files, clock, log } = this.deps;
    const last = this.#pathOf(this.#beat);
    const next = this.#pathOf(this.#beat + 1);
    try {
      await retryBusy(() => files.rename(last, next), isFileInUse, clock);
    } catch (error) {
      // Where a name is held for long, the last beat stays next to the new one, and the higher one counts.
      if (errorCode(error) !== 'ENOENT') log.debug('a heartbeat was not renamed', { error: errorCode(error) });
      await createInFolder(next, '', false, files).catch((failure: unknown) => {
        // Our own, by a call that failed only after it had taken effect.
        if (errorCode(failure) !== 'EEXIST') throw failure;
      });
    }
    this.#beat += 1;
  }

  #pathOf(beat: number | undefined, session = this.self.session): string {
    return join(this.folder, `${session}.${beat}`);
  }

  async stateOf({ session }: Owner): Promise<'alive' | 'silent'> {
    if (session === this.self.session) return 'alive';
    const now = this.deps.clock.monotonic();
    let beats = await this.#beats();
    // A list may show neither name of a beat that is renamed meanwhile, but not twice in two seconds.
    if (beats?.has(session) === false) beats = await this.#beats();
    // Nobody is taken for gone because the folder cannot be read.
    if (beats === undefined) return 'alive';
    const beat = beats.get(session);
    if (beat === undefined) {
      this.#seen.delete(session);
      return 'silent';
    }
    const seen = { beat, unchanged: 0, lookedAt: now, ...this.#seen.get(session), askedAt: now };
    this.#seen.set(session, seen);
    void this.#keepLooking();
    return seen.unchanged >= SILENT_LOOKS ? 'silent' : 'alive';
  }

  async #keepLooking(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#seen.size > 0) {
        await this.deps.clock.sleep(BEAT_MS, this.#life.signal);
        const beats = await this.#beats();
        if (beats !== undefined) await this.#look(beats, this.deps.clock.monotonic());
      }
    } catch {
      // The process ends.
    } finally {
      this.#isLooking = false;
    }
  }

  async #look(beats: ReadonlyMap<string, number>, now: number): Promise<void> {
    for (const [session, seen] of this.#seen) {
      if (now - seen.askedAt > WATCHED_MS) {
        this.#seen.delete(session);
        continue;
      }
      const beat = beats.get(session);
      const isProof = now - seen.lookedAt <= LOOK_GAP_MAX_MS;
      seen.unchanged = beat !== seen.beat || !isProof ? 0 : seen.unchanged + 1;
      seen.beat = beat;
      seen.lookedAt = now;
      // Others need not find out again. One that only stood still shows up again with its next beat.
      if (seen.unchanged === SILENT_LOOKS)
        await this.deps.files.remove(this.#pathOf(beat, session)).catch(() => undefined);
    }
  }

  /** The last beat of each process that shows one. `undefined` when that cannot be read. */
  async #beats(): Promise<ReadonlyMap<string, number> | undefined> {
    try {
      const found = new Map<string, number>();
      for (const name of await this.deps.files.list(this.folder)) {
        const [, session = '', beat] = NAME.exec(name) ?? [];
        if (beat !== undefined) found.set(session, Math.max(found.get(session) ?? 0, Number(beat)));
      }
      return found;
    } catch (error) {
      return errorCode(error) === 'ENOENT' ? new Map() : undefined;
    }
  }

  async close(): Promise<void> {
    this.#life.abort(new Error('the server is ending'));
    await this.#started?.catch(() => undefined);
    await this.#beating;
  }
}

/** Losing that often is no accident. */
const LOST_MAX = 2;
const LOOK_EVERY_MS = 4;
/** A change takes a few milliseconds: whoever is ahead for longer stands still, or is gone. */
const PATIENCE_MS = 250;
const TURN = '.turn';

/** Lets writers through who have lost to others. */
export class FileChangeQueue implements ChangeQueue {
  #own: string | undefined;

  /** @param folder absolute; made when somebody has to wait */
  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly deps: FileDeps,
  ) {}

  async wait(lost: number): Promise<void> {
    const { files, clock } = this.deps;
    if (lost >= LOST_MAX && this.#own === undefined) {
      this.#own = `${this.name}.${ownName()}${TURN}`;
      // Without it the change is tried all the same.
      await createInFolder(join(this.folder, this.#own), '', false, files).catch(() => undefined);
    }
    const until = clock.monotonic() + PATIENCE_MS;
    let ahead = await this.#ahead();
    while (ahead.length > 0 && clock.monotonic() < until) {
      await clock.sleep(LOOK_EVERY_MS * (1 + clock.random()));
      ahead = await this.#ahead();
    }
    for (const file of ahead) await this.#remove(file);
  }

  async leave(): Promise<void> {
    if (this.#own !== undefined) await this.#remove(this.#own);
  }

  async #ahead(): Promise<string[]> {
    // It only orders who tries when: what cannot be read, or was never needed, keeps nobody from it.
    const names = await this.deps.files.list(this.folder).catch((): string[] => []);
    const turns = names.filter((name) => name.startsWith(`${this.name}.`) && name.endsWith(TURN));
    return turns.filter((name) => this.#own === undefined || name < this.#own);
  }

  async #remove(file: string): Promise<void> {
    await this.deps.files.remove(join(this.folder, file)).catch(() => undefined);
  }
}
