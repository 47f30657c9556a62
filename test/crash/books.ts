/** Compares the three books after a run: what the service charged, what left a process, what is on record and disk. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSettled, type Job, jobSchema } from '../../src/core/job.ts';
import { type Reservations, reservationsSchema, type Totals, totalsOf } from '../../src/limits/reservations.ts';
import { partitionFolder } from '../../src/storage/paths.ts';
import { readStored } from '../../src/storage/versioned-file.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { newestFiles, recordFile, valueFile } from '../support/state-files.ts';
import { wordsOf } from '../support/words.ts';
import type { SandboxState } from '../../sandbox/sandbox.ts';
import type { Stage } from './stage.ts';

/** What the books are read from: a stage, or what another process reports of one. */
export type BookSources = Pick<Stage, 'stateDir' | 'outputDir'> & {
  settings: Pick<Stage['settings'], 'apiUrl'>;
  sandbox: { key: string; inspect(): Pick<SandboxState, 'jobs' | 'charges'> };
  witness: Pick<Stage['witness'], 'arrivals'>;
};

export type Books = {
  /** At the service. */
  charges: number;
  chargedCredits: number;
  /** Prompts that a process sent, whatever became of them on the way. */
  left: number;
  /** Of those, the ones that the service never took, and whose record says that they cost nothing. */
  leftAndRefused: number;
  /** Charges beyond the first for one prompt. */
  doubleCharges: number;
  /** Whole requests for pictures that left a process. */
  submissions: number;
  records: number;
  states: Record<string, number>;
  unreadable: number;
  setAside: number;
  unfinished: number;
  /** Charged pictures with a `saved` record whose file decodes. */
  decoded: number;
  /** Files next to the records and pictures that dead processes have left behind. */
  leftovers: Record<string, number>;
  /** Whole picture files; one for each charge. */
  pictureFiles: number;
  reservations: { images: number; spentCredits: number; reservedCredits: number; slots: number };
  /** What does not agree; empty when nothing was lost and nothing paid twice. */
  broken: readonly string[];
};

/** @param options `exact`: every prompt must have been charged at most once, and the reservations must know each charge */
export async function readBooks(stage: BookSources, options: { exact: boolean }): Promise<Books> {
  const service = stage.sandbox.inspect();
  const left = new Set(stage.witness.arrivals().flatMap(({ prompt }) => prompt ?? []));
  const chargesOf = countsOf(service.jobs.map(({ prompt }) => prompt));
  const folder = recordsFolder(stage);
  const { jobs, unreadable } = await readRecords(stage);
  const setAside = (await namesIn(join(folder, 'damaged'))).length;
  const decoded = await countDecoded(service.jobs, jobs, stage.outputDir);
  const stored = readStored(await readFile(valueFile(folder, 'reservations'), 'utf8'), reservationsSchema);
  const reservations = totalsOfAllDays(stored.type === 'value' ? stored.value : never());
  const chargedCredits = service.charges.reduce((sum, { credits }) => sum + credits, 0);
  const refused = [...left].filter((prompt) => !chargesOf.has(prompt));
  const unexplained = refused.filter((prompt) => !wasRefused(prompt, jobs));
  const unfinished = jobs.filter((job) => !isSettled(job));

  const books = {
    charges: service.charges.length,
    chargedCredits,
    left: left.size,
    leftAndRefused: refused.length - unexplained.length,
    doubleCharges: service.charges.length - chargesOf.size,
    submissions: stage.witness.arrivals().filter(({ prompt }) => prompt !== undefined).length,
    records: jobs.length,
    states: Object.fromEntries(countsOf(jobs.map(({ state }) => state))),
    unreadable,
    setAside,
    unfinished: unfinished.length,
    decoded,
    leftovers: await leftoversIn({ state: stage.stateDir, pictures: stage.outputDir }),
    pictureFiles: (await namesIn(stage.outputDir, true)).filter((name) => name.endsWith('.jpg')).length,
    reservations: {
      images: reservations.images,
      spentCredits: reservations.spentCredits,
      reservedCredits: reservations.reservedCredits,
      slots: reservations.slotsInUse,
    },
  };
  const findings: [boolean, string][] = [
    [books.unreadable > 0, `${books.unreadable} records cannot be read`],
    [books.setAside > 0, `${books.setAside} records were set aside as damaged`],
    [unfinished.length > 0, `${unfinished.length} jobs are not finished: ${reported(unfinished)}`],
    [unexplained.length > 0, `left a process, not charged, and not on record as refused: ${unexplained.join(', ')}`],
    [service.jobs.length !== books.charges, 'the service has forgotten jobs: the run was too long for it'],
  ];
  const exactly: [boolean, string][] = [
    [books.doubleCharges > 0, `charged twice: ${twice(chargesOf).join(', ')}`],
    [
      books.charges !== books.left - books.leftAndRefused,
      `${books.charges} charges for ${books.left - books.leftAndRefused} prompts that left a process and were taken`,
    ],
    [decoded !== books.charges, `${decoded} pictures on disk for ${books.charges} charges`],
    [books.pictureFiles !== books.charges, `${books.pictureFiles} picture files for ${books.charges} charges`],
    [(books.states.saved ?? 0) !== books.charges, `${books.states.saved} saved records for ${books.charges} charges`],
    [
      reservations.images !== books.charges,
      `the reservations know ${reservations.images} pictures of ${books.charges}`,
    ],
    [
      reservations.spentCredits !== chargedCredits,
      `the reservations know ${reservations.spentCredits} credits of ${chargedCredits}`,
    ],
    [reservations.reservedCredits > 0, `the reservations still have ${reservations.reservedCredits} credits`],
    [reservations.slotsInUse > 0, `the reservations still have ${reservations.slotsInUse} slots`],
  ];
  const all = options.exact ? [...findings, ...exactly] : findings;
  return { ...books, broken: all.flatMap(([isBroken, text]) => (isBroken ? [text] : [])) };
}

/** Of the stage's service and key. */
export function recordsFolder({ stateDir, settings, sandbox }: BookSources): string {
  return partitionFolder(stateDir, settings.apiUrl, sandbox.key);
}

/** The job as it is on record; `undefined` when it cannot be read. */
export async function recordOf(stage: BookSources, jobId: string): Promise<Job | undefined> {
  try {
    const record = readStored(await readFile(recordFile(recordsFolder(stage), jobId), 'utf8'), jobSchema);
    return record.type === 'value' ? record.value : undefined;
  } catch {
    return undefined;
  }
}

function totalsOfAllDays(reservations: Reservations): Totals {
  const open = totalsOf({ ...reservations, days: {} }, 0);
  const ended = Object.values(reservations.days);
  return {
    ...open,
    images: ended.reduce((sum, { images }) => sum + images, open.images),
    spentCredits: ended.reduce((sum, { credits }) => sum + credits, open.spentCredits),
  };
}

function never(): never {
  throw new Error('the reservations cannot be read');
}

function countsOf<Value>(values: readonly Value[]): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

const twice = (counts: ReadonlyMap<string, number>): string[] =>
  [...counts].filter(([, count]) => count > 1).map(([prompt, count]) => `${prompt} (${count} times)`);

const reported = (jobs: readonly Job[]): string =>
  jobs
    .map(
      ({ id, request, state, failure }) => `${id} "${request.prompt}" ${state} ${failure ? wordsOf(failure).what : ''}`,
    )
    .join('; ');

function wasRefused(prompt: string, jobs: readonly Job[]): boolean {
  const own = jobs.filter(({ request }) => request.prompt === prompt);
  return own.length > 0 && own.every(({ state, failure }) => state === 'failed' && failure?.creditsSpent === 'no');
}

export async function readRecords(stage: BookSources): Promise<{ jobs: Job[]; unreadable: number }> {
  const folder = join(recordsFolder(stage), 'jobs');
  const jobs: Job[] = [];
  let unreadable = 0;
  for (const part of await namesIn(folder)) {
    for (const path of newestFiles(join(folder, part)).values()) {
      const record = readStored(await readFile(path, 'utf8'), jobSchema);
      if (record.type === 'value') jobs.push(record.value);
      else unreadable += 1;
    }
  }
  return { jobs, unreadable };
}

async function countDecoded(
  charged: readonly { id: string; width: number; height: number }[],
  jobs: readonly Job[],
  outputDir: string,
): Promise<number> {
  const byRemoteId = new Map(jobs.map((job) => [job.remoteId, job]));
  let decoded = 0;
  for (const { id, width, height } of charged) {
    const job = byRemoteId.get(id);
    if (job?.state !== 'saved' || job.file === undefined) continue;
    const picture = await decodeJpeg(await readFile(join(outputDir, job.file))).catch(() => undefined);
    if (picture?.width === width && picture.height === height) decoded += 1;
  }
  return decoded;
}

async function leftoversIn(folders: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [what, folder] of Object.entries(folders)) {
    for (const name of await namesIn(folder, true)) {
      const [ending] = /\.part$/u.exec(name) ?? [];
      if (ending !== undefined) found[`${what} ${ending}`] = (found[`${what} ${ending}`] ?? 0) + 1;
    }
  }
  return found;
}

async function namesIn(folder: string, recursive = false): Promise<string[]> {
  return readdir(folder, { recursive }).catch(() => []);
}
