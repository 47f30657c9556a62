/** What a reader decided, in a file; and what another run needs of it: the ids of that run, and which texts are others now. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Result, stepSchema } from './session.ts';

const TRANSCRIPTS = join(import.meta.dirname, 'transcripts');

const transcriptSchema = z.strictObject({
  job: z.string(),
  reader: z.string(),
  recorded: z.iso.date(),
  /** Digests of the texts that the reader began with, by name. */
  texts: z.record(z.string(), z.string()),
  opening: z.string().optional(),
  steps: z.array(
    z.strictObject({
      /** How long the reader thought before it. */
      afterMs: z.number(),
      step: stepSchema,
      shown: z.string(),
    }),
  ),
  result: z.strictObject({
    problems: z.array(z.string()),
    calls: z.number(),
    characters: z.number(),
    charges: z.array(z.number()),
  }) satisfies z.ZodType<Result>,
});
export type Transcript = z.infer<typeof transcriptSchema>;

const fileOf = ({ job, reader }: Pick<Transcript, 'job' | 'reader'>): string =>
  join(TRANSCRIPTS, `${job}.${reader}.json`);

export async function writeTranscript(transcript: Transcript): Promise<string> {
  await mkdir(TRANSCRIPTS, { recursive: true });
  const file = fileOf(transcript);
  await writeFile(file, `${JSON.stringify(transcript, null, 2)}\n`);
  return file;
}

/** By job and reader. */
export async function readTranscripts(): Promise<Transcript[]> {
  const names = await readdir(TRANSCRIPTS).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (name) => transcriptSchema.parse(JSON.parse(await readFile(join(TRANSCRIPTS, name), 'utf8')))),
  );
}

export function digests(texts: Record<string, string>): Record<string, string> {
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, digest(text)]));
}

/** Ids are new in each run; those of the sandbox follow from the order in which orders came. */
const IDS = /(?<![a-z0-9])(job|batch|sbx)_[0-9a-z]{12,}/gu;

/** The ids of a recording, and those that stand for them now: the first that was met there is the first that was met here. */
export class IdMap {
  readonly #there: string[] = [];
  readonly #here: string[] = [];

  /** Takes note of the ids in what was shown then and now. */
  learn(there: string, here: string): void {
    for (const [known, text] of [
      [this.#there, there],
      [this.#here, here],
    ] as const)
      for (const [id] of text.matchAll(IDS)) if (!known.includes(id)) known.push(id);
  }

  /** A step of the recording with the ids of now. */
  translate<Value>(value: Value): Value {
    const now = (id: string, kind: string): string => {
      const ofKind = (ids: readonly string[]) => ids.filter((one) => one.startsWith(kind));
      return ofKind(this.#here)[ofKind(this.#there).indexOf(id)] ?? id;
    };
    return JSON.parse(JSON.stringify(value).replace(IDS, now)) as Value;
  }
}

/** A text without what differs from run to run: ids by their order, times, durations. */
export function comparable(text: string): string {
  const ids: string[] = [];
  return (
    text
      .replace(IDS, (id, kind: string) => {
        if (!ids.includes(id)) ids.push(id);
        return `${kind}_${ids.indexOf(id) + 1}`;
      })
      .replace(/\d{4}-\d\d(?:-\d\d)?(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?)?/gu, 'DATE')
      .replace(/\b\d\d:\d\d(?: UTC)?\b/gu, 'TIME')
      .replace(/\b\d+(?:\.\d+)? (?:ms|s|seconds?|minutes?|hours?)\b/gu, 'DURATION')
      // How often a job was polled.
      .replace(/\b\d+ left\b/gu, 'SOME left')
  );
}
