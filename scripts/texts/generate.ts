/** What `generate` prints, of a job service that is played. */
import { generate, type GenerateDeps } from '../../src/cli/generate.ts';
import { progressBar } from '../../src/cli/progress-bar.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Job } from '../../src/core/job.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { failureOf } from '../text-samples/failures.ts';
import { jobIn, NOW } from '../text-samples/jobs.ts';
import { captured } from './machine.ts';
import { block } from './markdown.ts';

const PROMPTS = ['A paper plane', 'A lighthouse', 'A fox', 'A bowl of ramen', 'An owl'];

const picture = (at: number, job: Job): Job => ({
  ...job,
  id: `job_0mxyz1234abcdefghij${'klmno'[at]}`,
  request: { ...job.request, prompt: PROMPTS[at] ?? '' },
  ...(job.file !== undefined && { file: `/home/user/Pictures/flux-pro/2026-11/picture-${at + 1}.jpg` }),
});

const CANCELLED: Failure = {
  ...{ kind: 'rate_limited', creditsSpent: 'no', retry: 'later' },
  reason: { code: 'order_cancelled' },
};

/** One of each kind; the second was found. */
const ENDS = [
  jobIn('saved'),
  jobIn('saved'),
  jobIn('failed', { failure: failureOf('job_without_picture') }),
  jobIn('processing'),
  jobIn('failed', { failure: CANCELLED }),
].map((job, at) => picture(at, job));

export async function generated(): Promise<string> {
  const quoted = PROMPTS.map((prompt) => `"${prompt}"`).join(' ');
  const refused = (failure: Failure) => ({ type: 'refused', failure });
  const shown: [string, readonly Job[], object | undefined, boolean?][] = [
    [`"${PROMPTS[0]}"`, ENDS.slice(0, 1), undefined],
    [`"${PROMPTS[0]}" --json`, ENDS.slice(0, 1), undefined, true],
    [`${quoted} --wait-seconds 60`, ENDS, undefined],
    ['--from pictures.csv', ENDS, refused(failureOf('not_confirmed'))],
    ['--from pictures.csv --max-credits 120', ENDS, refused(failureOf('more_than_accepted'))],
  ];
  const texts: string[] = [];
  for (const [args, ends, proposal, json = false] of shown) texts.push(await played(args, ends, proposal, json));
  return texts.join('\n\n');
}

async function played(args: string, ends: readonly Job[], proposal: object | undefined, json: boolean) {
  const orders = ends.map(({ request }) => ({ request }));
  const isFound = (at: number): boolean => ends.length > 1 && at === 1;
  const bar = { columns: 80, write: (text: string) => process.stderr.write(text) } as NodeJS.WriteStream;
  const waitFor = async (_: string, { onTick }: { onTick: (tick: object) => Promise<void> }): Promise<Job> => {
    const etaNow = async () => ({ fraction: 0.4, leftMs: 9_000 });
    await onTick({ job: jobIn('processing'), elapsedMs: 12_000, waitReason: undefined, etaNow });
    return jobIn('saved');
  };
  const waitForAll = async (_: unknown, { onTick }: { onTick?: (tick: object) => void }): Promise<readonly Job[]> => {
    onTick?.({ fraction: 0.4, done: 2, total: ends.length, leftMs: 40_000 });
    return ends;
  };
  const jobs = {
    settings: { maxCreditsPerDay: 1_000 },
    propose: async () => proposal ?? { type: 'ready', orders, duplicates: orders.map(() => undefined) },
    commit: async () => ends.map((job, at) => ({ job, duplicate: isFound(at) })),
    cancelUnsent: () => undefined,
    lowBalance: async () => undefined,
    ...{ waitFor, waitForAll },
  };
  const { show } = progressBar(bar);
  const deps = {
    ...{ jobs, json, progress: show, sandbox: false, signal: new AbortController().signal },
    clock: { ...systemClock, now: () => NOW, monotonic: () => 0 },
    redact: (text: string) => text,
    note: (line: string) => void process.stderr.write(`${line}\n`),
  } as unknown as GenerateDeps;
  const { printed, code } = await captured(() => generate({ orders, allow_duplicate: false }, deps));
  return block(`$ flux-pro-mcp generate ${args}\n${printed}${code === 0 ? '' : `[exit code ${code}]`}`);
}
