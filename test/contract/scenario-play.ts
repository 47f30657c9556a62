/** Plays one scenario of the sandbox in one dialect, through the real tool, and counts what came of it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScenarioName } from '../../sandbox/sandbox.ts';
import type { FaultTarget } from '../support/fault-server.ts';
import { type Answer, type Story, startStory, textOf } from '../support/start-client.ts';

export const SETTINGS = ['generate', 'generateImage', 'rest', 'auto'] as const;
export type Setting = (typeof SETTINGS)[number];

/** What is ordered, and how; the last answer counts. */
export type Play = {
  scenarios: readonly ScenarioName[];
  orders?: number;
  sidePx?: number;
  /** Of the story's clock; 0: the job has ended when it is looked at first. */
  jobDurationMs?: number;
  waitSeconds?: number;
  webhooks?: boolean;
};

export type Seen = {
  /** `ok`: the picture is there; else the kind of the error, or the job's status. */
  kind: string;
  spent: string;
  /** Tries to order. */
  orders: number;
  /** Questions for the schema. */
  schema: number;
  /** Looks at the job. */
  reads: number;
  /** Whatever else went to the API. */
  others: number;
  charges: number;
  /** What the model reads of a failure and what to do, or of the end. */
  said: string;
  text: string;
  log: string;
  secret: string;
  /** Keys of charges that no record has. */
  unknownCharges: (string | undefined)[];
  /** Keys of orders that are on no record. */
  strayKeys: string[];
};

const PICTURE = { prompt: 'A quiet harbour', version: 'flux-pro', quality: 'high' };

export async function play(given: Play, setting: Setting): Promise<Seen> {
  const { scenarios, orders = 1, sidePx = 512, jobDurationMs = 0, waitSeconds = 120, webhooks = false } = given;
  const story = await startStory({
    sandbox: { scenarios, jobDurationMs },
    sandboxed: false,
    // Nobody looks at the pictures here.
    preview: 'off',
    webhooks,
    settings: { dialect: setting },
  });
  try {
    let answer: Answer = { content: [] };
    for (let order = 1; order <= orders; order += 1) {
      answer = await story.call('generate_image', {
        ...PICTURE,
        width: sidePx,
        height: sidePx,
        wait_seconds: waitSeconds,
        allow_duplicate: true,
      });
    }
    return await seen(story, answer);
  } finally {
    await story.close();
  }
}

async function seen(story: Story, answer: Answer): Promise<Seen> {
  const requests = story.wire.requests();
  const count = (target: FaultTarget | 'other'): number =>
    requests.filter((request) => request.target === target).length;
  const { charges } = story.sandbox.inspect();
  const keys = await keysOnRecord(join(story.outputDir, 'state'));
  const ordered = requests.flatMap(({ target, idempotencyKey }) =>
    target === 'submit' ? [String(idempotencyKey)] : [],
  );
  const { status, error, next } = (answer.structuredContent ?? {}) as {
    status?: string;
    error?: { kind: string; credits_spent: string; message: string };
    next?: string;
  };
  return {
    kind: error?.kind ?? (status === 'completed' ? 'ok' : String(status)),
    spent: error?.credits_spent ?? '–',
    orders: count('submit'),
    schema: count('introspection'),
    reads: count('status'),
    others: count('other'),
    charges: charges.length,
    said: `${error?.message ?? textOf(answer).split('\n')[0]}${status === 'completed' ? '' : `<br>Next: ${next}`}`,
    text: textOf(answer),
    log: story.logLines.join('\n'),
    secret: story.sandbox.key,
    unknownCharges: charges.map(({ idempotencyKey }) => idempotencyKey).filter((key) => !keys.has(String(key))),
    strayKeys: ordered.filter((key) => !keys.has(key)),
  };
}

/** The keys in all records, read as a stranger would. */
async function keysOnRecord(folder: string): Promise<Set<string>> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/"idempotencyKey":\s*"([^"]+)"/gu)].map(([, key]) => String(key))),
  );
}
