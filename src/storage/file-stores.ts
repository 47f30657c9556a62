/** Job records and shared values on disk, each a row of versions, for all processes with the same service and key. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BoundedMap } from '../core/primitives.ts';
import type { Clock, Log } from '../core/ports.ts';
import { dedupeKey } from '../core/image-request.ts';
import { isSettled, JOB_ID, type Job, jobSchema, timeOfId } from '../core/job.ts';
import type { JobStore, StoredJob } from '../core/job-store.ts';
import type { Replacement, SharedValue, SharedValues, ValueSpec, Version } from '../core/shared-value.ts';
import { NO_VERSION } from '../core/shared-value.ts';
import { FileChangeQueue } from './presence.ts';
import { failed, storageFailed } from './disk-errors.ts';
import { createDiskFiles, createInFolder, type FileSystem, hashOf, kept, makeFolder, ownName } from './file-system.ts';
import { withAbsolutePath, withRecordedPath } from './output-folder.ts';
import { namesIn, newestIn, readStored, textOfVersion, VersionedFile, versionFile } from './versioned-file.ts';

/** `files`: this machine's unless a test makes others. */
type Deps = { clock: Clock; log: Log; files?: FileSystem };

/** Next to the folder of the records. */
const DAMAGED = 'damaged';
/** Records are read so long at a stretch: to hand each small file to a thread would take longer than to read it. */
const STRETCH_MS = 4;
/** Records that this process reads or changes at a time. */
const OPEN_FILES_MAX = 1_000;
const DAY_MS = 24 * 60 * 60_000;
const FIRST_ID = /job_[a-z0-9]{1,64}/u;
/** An id of another kind of program. */
const UNDATED = 'undated';

/**
 * Records lie in a folder for each day, named by the id and by what equal orders have in common, so that a page, the
 * open ones of today and the equal ones of a day are found without reading all. What else is quicker to look up than to
 * search for is kept as hints, which are looked at and never believed:
 * `hints/settled/DAY/ID` for a job that has ended, `hints/remote/HASH` for the one that the service calls so, or that was
 * saved more than a day after its order: then by what equal orders have in common. A hint is a second name of the record
 * as it was when the job ended, which takes no file of its own, or a file with the id.
 * Once all jobs of an earlier day have ended and have their hints, `hints/closed/DAY` stands for the former, with the
 * time of that day's folder: whatever is added there later, by a clock that was set back, changes that time.
 * @param folder absolute; of this service and key alone. Made when the first record is written.
 * @param deps `outputFolder`: absolute; records name pictures relative to it. Absent: as they are.
 */
export function createFileJobStore(
  folder: string,
  { clock, log, outputFolder, files = createDiskFiles(clock) }: Deps & { outputFolder?: string },
): JobStore {
  const jobs = join(folder, 'jobs');
  const settled = join(folder, 'hints', 'settled');
  const remote = join(folder, 'hints', 'remote');
  const closed = join(folder, 'hints', 'closed');
  /** Records that were found or made here, by id. */
  const known = new BoundedMap<string, VersionedFile<Job>>(OPEN_FILES_MAX);

  const withFile = (job: Job, path: typeof withAbsolutePath): Job =>
    job.file === undefined || outputFolder === undefined ? job : path(job, outputFolder);
  const writer = ownName();
  function remember(id: string, name: string): VersionedFile<Job> {
    const file = new VersionedFile(join(jobs, dayOf(id)), name, jobSchema, { files, clock }, writer);
    known.set(id, file);
    return file;
  }

  async function fileOf(id: string): Promise<VersionedFile<Job> | undefined> {
    const look = async (): Promise<string | undefined> =>
      [...(await newestIn(join(jobs, dayOf(id)), (file) => idIn(file) === id, files)).keys()][0];
    // As `VersionedFile.read` does it.
    const name = known.has(id) ? undefined : ((await look()) ?? (await look()));
    return name === undefined ? known.get(id) : remember(id, name);
  }

  /** `undefined`: there is no such record, or it is damaged and was set aside. */
  async function read(id: string): Promise<StoredJob | undefined> {
    if (!JOB_ID.test(id)) return undefined;
    return kept(join(jobs, dayOf(id)), 'maybe', async () => {
      const file = await fileOf(id);
      const found = await file?.read();
      if (file === undefined || found === undefined) return undefined;
      const { type, value, ...version } = found;
      if (type === 'damaged') return setAside(id, file);
      if (value !== undefined)
        return { value: withFile(value, withAbsolutePath), version, ...(type === 'newer' && { isNewer: true }) };
      log.warn('a job record of a newer version cannot be read here', { id });
      return undefined;
    });
  }

  /** A damaged record is kept for a person to look at: it may be all that is left of a paid job. */
  async function setAside(id: string, file: VersionedFile<Job>): Promise<undefined> {
    const aside = join(folder, DAMAGED);
    log.error('a damaged job record was set aside', { id, folder: aside });
    await makeFolder(aside, files);
    // All of its versions, the oldest first: an older one must not pass for the newest.
    for (const number of await file.numbers()) {
      const path = file.path(number);
      await files.rename(path, join(aside, `${basename(path)}.${clock.now()}`)).catch(() => undefined);
    }
  }

  async function write(job: Job, file: VersionedFile<Job>, version: Version, before?: Job): Promise<Replacement> {
    // Whatever a queued order was to become: it was never sent.
    const spent = before === undefined || before.state === 'queued' ? 'no' : 'maybe';
    const recorded = withFile(job, withRecordedPath);
    const made = await kept(file.path(version.number + 1), spent, () => file.replace(version, recorded, 'machine'));
    if (made === undefined) return 'conflict';
    // One that is open is found without a hint: it is among the newest.
    if (!isSettled(job)) return 'done';
    for (const path of hintsOf(job)) await files.link(file.path(made.number), path).catch(() => hint(path, job.id));
    return 'done';
  }

  function hintsOf(job: Job): string[] {
    const hints = [join(settled, dayOf(job.id), job.id)];
    if (job.remoteId !== undefined) hints.push(join(remote, hashOf(job.remoteId)));
    if ((job.savedAt ?? 0) > job.createdAt + DAY_MS) hints.push(join(remote, hashOf(dedupeKey(job.request, job.nth))));
    return hints;
  }

  /** Whoever finds that one is missing does without it. */
  const hint = (path: string, id: string): Promise<void> => writeHint(path, id).catch(() => undefined);

  async function writeHint(path: string, text: string, durable = false): Promise<void> {
    if ((await textOfHint(path)) === text) return;
    await files.remove(path).catch(() => undefined);
    await createInFolder(path, text, durable, files);
  }

  /** Of a record that it is a name of: the id, which comes first. */
  async function textOfHint(path: string): Promise<string | undefined> {
    const text = await files.readText(path).catch(() => undefined);
    return text?.match(FIRST_ID)?.[0] ?? text;
  }

  const timeOf = async (day: string): Promise<string> => String((await files.stat(join(jobs, day)))?.mtimeMs);

  /** Days that may have an open job, or one that no hint leads to, newest first. */
  async function* unclosedDays(): AsyncGenerator<string> {
    for (const day of await days()) {
      if ((await textOfHint(join(closed, day))) !== (await timeOf(day))) yield day;
    }
  }

  /** @param time of the day's folder, before it was found that all of its jobs have ended */
  async function close(day: string, time: string): Promise<void> {
    // Of killed processes: no record that they belong to changes any more.
    const parts = (await namesIn(join(jobs, day), files)).filter((name) => name.endsWith('.part'));
    for (const part of parts) await files.remove(join(jobs, day, part));
    for await (const { id, remoteId } of recordsOf(day, () => true))
      if (remoteId !== undefined) await writeHint(join(remote, hashOf(remoteId)), id, true);
    await files.syncFolder(remote).catch(() => undefined);
    await writeHint(join(closed, day), time);
    await files.remove(join(settled, day));
  }

  /** Names of the folders of days, newest first. */
  async function days(): Promise<string[]> {
    return (await namesIn(jobs, files)).sort().reverse();
  }

  let stretchEndsAt = 0;
  /** The records of one day, newest first. @param isWanted by the name of a file @param lists that are asked for them */
  async function* recordsOf(day: string, isWanted: (file: string) => boolean, lists = 2): AsyncGenerator<Job> {
    const newest = new Map<string, number>();
    // Many names are read in several steps, between which a change may hide both the version before it and its own.
    for (let list = 1; list <= lists; list += 1)
      for (const [name, number] of await newestIn(join(jobs, day), isWanted, files))
        newest.set(name, Math.max(number, newest.get(name) ?? 0));
    for (const [name, number] of [...newest].sort(([one], [other]) => (one < other ? 1 : -1))) {
      const id = idIn(name);
      if (!JOB_ID.test(id)) continue;
      if (clock.monotonic() > stretchEndsAt) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        stretchEndsAt = clock.monotonic() + STRETCH_MS;
      }
      const stored = readStored(await textOfVersion(versionFile(join(jobs, day), name, number), files), jobSchema);
      // If it cannot be read, there is a newer version by now, as a rule.
      const job = stored.type === 'value' ? withFile(stored.value, withAbsolutePath) : (await read(id))?.value;
      if (job !== undefined) yield job;
    }
  }

  async function* newest(before?: string): AsyncGenerator<Job> {
    for (const day of await days())
      if (before === undefined || day <= dayOf(before))
        yield* recordsOf(day, (name) => before === undefined || idIn(name) < before);
  }

  const collected = (records: () => AsyncGenerator<Job>): Promise<Job[]> =>
    kept(jobs, 'no', async () => {
      const found: Job[] = [];
      for await (const job of records()) found.push(job);
      return found;
    });

  async function* openRecords(): AsyncGenerator<Job> {
    const recent = dayOfTime(clock.now() - 2 * DAY_MS);
    for await (const day of unclosedDays()) {
      const time = await timeOf(day);
      const ended = new Set(await namesIn(join(settled, day), files));
      let hasOpen = false;
      for await (const job of recordsOf(day, (name) => !ended.has(idIn(name)))) {
        if (isSettled(job)) await hint(join(settled, day, job.id), job.id);
        else {
          hasOpen = true;
          yield job;
        }
      }
      if (!hasOpen && day < recent) await close(day, time).catch(() => undefined);
    }
  }

  async function* equalRecords(key: string, since: number): AsyncGenerator<Job> {
    const fingerprint = hashOf(key);
    for (const day of await days())
      if (day >= dayOfTime(since))
        for await (const job of recordsOf(day, (file) => file.includes(`.${fingerprint}.`)))
          if (job.createdAt >= since && dedupeKey(job.request, job.nth) === key) yield job;
    const late = (await read((await textOfHint(join(remote, fingerprint))) ?? ''))?.value;
    if (late && late.createdAt < since && dedupeKey(late.request, late.nth) === key) yield late;
  }

  return {
    location: folder,
    async add(job) {
      const file = remember(job.id, `${job.id}.${hashOf(dedupeKey(job.request, job.nth))}`);
      if ((await write(job, file, NO_VERSION)) === 'conflict')
        throw storageFailed({ code: 'state_not_kept', path: join(jobs, dayOf(job.id)), error: 'EEXIST' }, 'no');
    },
    read,
    queue: (id) => new FileChangeQueue(join(folder, 'queue'), id, { files, clock }),
    async replace(seen, job) {
      const file = (await kept(jobs, 'maybe', () => fileOf(job.id))) ?? remember(job.id, job.id);
      if (seen.isNewer) throw storageFailed({ code: 'state_is_newer', path: file.path(seen.version.number) }, 'maybe');
      return write(job, file, seen.version, seen.value);
    },
    remove: ({ value, version }) =>
      kept(jobs, 'maybe', async () => {
        const file = await fileOf(value.id);
        const numbers = (await file?.numbers()) ?? [];
        if (file === undefined || numbers.at(-1) !== version.number) return 'conflict';
        // On a day that is not closed it is found without its hints. They have its text, and would hide it if it came back.
        const hints = [join(closed, dayOf(value.id))];
        for (const path of hintsOf(value)) if ((await textOfHint(path)) === value.id) hints.push(path);
        for (const path of hints) await files.remove(path).catch(() => undefined);
        // The oldest first: it must not pass for the newest.
        for (const number of numbers) await files.remove(file.path(number));
        return 'done';
      }),
    async find(id) {
      const own = await read(id);
      if (own !== undefined) return own.value;
      const hinted = (await textOfHint(join(remote, hashOf(id)))) ?? '';
      // To read one that is not known yet takes more lists.
      if (!known.has(hinted))
        for await (const job of recordsOf(dayOf(hinted), (file) => idIn(file) === hinted, 1))
          if (job.remoteId === id) return job;
      const job = (await read(hinted))?.value;
      if (job?.remoteId === id) return job;
      // One of ours would be on its day.
      if (timeOfId(id) !== undefined) return undefined;
      for await (const day of unclosedDays())
        for await (const job of recordsOf(day, () => true)) if (job.remoteId === id) return job;
      return undefined;
    },
    newest,
    open: () => collected(openRecords),
    equal: (key, since) => collected(() => equalRecords(key, since)),
  };
}

const idIn = (name: string): string => name.split('.', 1)[0] ?? '';

/** The day (UTC) on which a job was ordered, as its id tells. */
function dayOf(id: string): string {
  const at = timeOfId(id);
  return at === undefined ? UNDATED : dayOfTime(at);
}

const dayOfTime = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 10);

/** Where damaged records of this folder were set aside, and of how many jobs they still lie there. */
export async function damagedRecords(folder: string): Promise<{ folder: string; count: number }> {
  const aside = join(folder, DAMAGED);
  const names = await readdir(aside).catch(() => []);
  return { folder: aside, count: new Set(names.map(idIn)).size };
}

/** @param folder absolute; made at the first change */
export function createFileValues(folder: string, { clock, log, files = createDiskFiles(clock) }: Deps): SharedValues {
  /** What is about to be replaced without having been understood is kept for a person to look at. */
  async function keepDamaged(path: string): Promise<void> {
    const aside = `${path}.damaged`;
    try {
      // A second one, so that the newest version is never missing.
      const text = await textOfVersion(path, files);
      await (text === undefined ? files.link(path, aside) : files.create(aside, text, false));
      log.error('a damaged file of the shared values was set aside', { file: aside });
    } catch {
      // As a rule another process was faster.
    }
  }

  return {
    location: folder,
    open<Value>({ name, schema, initial }: ValueSpec<Value>): SharedValue<Value> {
      const file = new VersionedFile(folder, name, schema, { files, clock });
      return {
        queue: () => new FileChangeQueue(folder, name, { files, clock }),
        read: () =>
          kept(folder, 'no', async () => {
            const newest = await file.read();
            // Something else is in the place of the folder.
            if (newest === undefined && (await files.stat(folder))?.isFolder === false) throw failed('ENOTDIR', folder);
            if (newest === undefined) return { value: await initial(), version: NO_VERSION };
            const { number } = newest;
            const isDamaged = newest.type === 'damaged';
            // By a power failure, as a rule: below what was not forced to the disk, the last durable version is kept.
            const { type, value, changes, durable } = isDamaged ? await file.readUndamaged() : newest;
            // Replacing it would take away what the newer version knows of money.
            if (type === 'newer') throw storageFailed({ code: 'state_is_newer', path: file.path(number) }, 'no');
            const version = { number, changes, durable, ...(isDamaged && { isDamaged }) };
            return { value: value ?? (await initial()), version };
          }),
        replace: (version, value, durability) =>
          kept(folder, 'no', async () => {
            if (version.isDamaged) await keepDamaged(file.path(version.number));
            return (await file.replace(version, value, durability)) === undefined ? 'conflict' : 'done';
          }),
      };
    },
  };
}
