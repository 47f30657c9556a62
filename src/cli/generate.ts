/** `generate`: orders pictures from the shell as the tools do, shows the progress, and says what became of each. */
import { createInterface } from 'node:readline';
import { createApp } from '../app.ts';
import { SETTINGS } from '../config/settings.ts';
import { type Failure, type FailureKind, FluxError } from '../core/failure.ts';
import { isSettled, type Job } from '../core/job.ts';
import { redactValues } from '../core/redaction.ts';
import { cleanLine, fenced } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import type { Ordered, ProposeOptions, ReadyProposal } from '../jobs/orders.ts';
import { failureSentences, nextStep } from '../mcp/failure-text.ts';
import { batchView, creditsText, errorView, type JobView, statusText } from '../mcp/job-view.ts';
import { ofToday, questionAbout, waitForAll, waitForJob } from '../mcp/ordering.ts';
import type { ToolContext } from '../mcp/tool.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { systemClock } from '../runtime/system.ts';
import type { Arguments, HelpRow, HelpSection } from './command.ts';
import { ARGUMENT_WORDS, BATCH, type PictureList, pictureList } from './picture-list.ts';
import { progressBar } from './progress-bar.ts';
import { remedyFor, todoFor } from './remedies.ts';
import { startSandbox } from './serve.ts';
import { NOT_FOR_JOBS, NOT_FOR_SANDBOX, secretsOf, settingsOf } from './settings.ts';
import { counted, print, visible, visibleJson, writeStderr } from './terminal-text.ts';

const EXIT_CODES: readonly HelpRow[] = [
  { name: '0', text: 'All pictures are saved.' },
  { name: '1', text: 'At least one failed, or nobody knows what became of it.' },
  { name: '2', text: 'An argument, a setting or the key is not valid; nothing was sent.' },
  { name: '3', text: 'Refused for the price, a budget or a limit, or because nobody agreed to the price.' },
  { name: '4', text: 'Not finished in time: the same command or "flux-pro-mcp jobs resume" continues later.' },
  { name: '130', text: 'Interrupted by Ctrl+C: what was sent goes on, the rest was taken back.' },
];
export const details: readonly HelpSection[] = [{ title: 'Exit codes', rows: EXIT_CODES }];
const REFUSED: readonly FailureKind[] = ['over_budget', 'not_confirmed', 'no_credits', 'rate_limited'];

/** Without `--wait-seconds`: for each picture, so that a long list has its time on a small plan, too. */
const WAIT_SECONDS = 300;

export const flagWords: Readonly<Record<string, string>> = {
  ...ARGUMENT_WORDS,
  'flux-version': `${ARGUMENT_WORDS['flux-version']} (--version prints the version of this program.)`,
  'wait-seconds': `Seconds to wait for all pictures together, 0–300, but at least 5, so that orders leave; then what has not been sent is taken back. Default: until all have ended, at most ${WAIT_SECONDS} for each.`,
  'max-credits':
    'The most that the whole command may cost, 1–100,000,000 credits by the highest price; checked before anything is sent. Without a terminal to ask on, it also agrees to a price above FLUX_CONFIRM_ABOVE_CREDITS.',
};

export type GenerateDeps = Pick<ToolContext, 'clock' | 'redact' | 'sandbox' | 'signal'> & {
  jobs: ImageJobs;
  json: boolean;
  ask?: ((question: string) => Promise<boolean>) | undefined;
  progress: (fraction: number, text: string) => void;
  note: (line: string) => void;
};

export async function run(args: Arguments): Promise<number> {
  const sandbox = args.flags.sandbox !== undefined;
  const config = await settingsOf(args, [...NOT_FOR_JOBS, ...(sandbox ? NOT_FOR_SANDBOX : [])]);
  const secrets = secretsOf(config);
  const { redact } = secrets;
  const list = await pictureList(args, redact);
  const bar = progressBar(process.stderr);
  const write = (line: string): void => writeStderr(bar.start + line);
  const log = createStderrLog(config.logLevel, redact, write);
  if (!sandbox && config.apiUrl !== SETTINGS.apiUrl.default)
    log.warn("Orders and the key go to an address other than the provider's own", { otherOrigin: config.apiUrl });
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupted.abort());
  const { signal } = interrupted;
  const service = sandbox ? await startSandbox(config) : undefined;
  const replaced = service && { apiUrl: service.url, apiKey: service.key, downloadHosts: [] };
  const app = await createApp({ ...config, ...replaced, sandbox }, { log, onSecret: (secret) => secrets.add(secret) });
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && args.flags.from !== '-';
  const note = (line: string): void => write(`${visible(redact(line))}\n`);
  try {
    return await generate(list, {
      ...{ jobs: app.jobs, clock: systemClock, redact, sandbox, signal, note },
      json: args.flags.json !== undefined,
      ask: canAsk ? (question) => askOnTerminal(question, signal) : undefined,
      progress: (fraction, text) => bar.show(fraction, visible(text)),
    });
  } finally {
    await app.close();
    await service?.close();
  }
}

async function askOnTerminal(question: string, signal: AbortSignal): Promise<boolean> {
  writeStderr(`${visible(question)}\nType yes to order: `);
  // Without the editing of a terminal, which would take Ctrl+C.
  const lines = createInterface({ input: process.stdin, terminal: false });
  signal.addEventListener('abort', () => lines.close(), { once: true });
  const answer = await new Promise<string>((resolve) => lines.once('line', resolve).once('close', () => resolve('')));
  lines.close();
  return answer.trim().toLowerCase() === 'yes';
}

export async function generate(list: PictureList, deps: GenerateDeps): Promise<number> {
  const { jobs, clock, signal, progress } = deps;
  const done: Ordered[] = [];
  try {
    const ready = await agreed(list, deps);
    const count = ready.orders.length;
    const until = clock.monotonic() + 1_000 * (list.wait_seconds ?? WAIT_SECONDS * count);
    // The next batch is ordered when the last one has ended, or not at all.
    for (let at = 0; at < count && (at === 0 || clock.monotonic() < until); at += BATCH) {
      signal.throwIfAborted();
      const [orders, duplicates] = [ready.orders.slice(at, at + BATCH), ready.duplicates.slice(at, at + BATCH)];
      const ordered = await jobs.commit({ ...ready, orders, duplicates });
      const before = at === 0 ? '' : `after ${at} others: `;
      const show: typeof progress = (share, text) => progress((at + share * orders.length) / count, before + text);
      done.push(...(await finished(ordered, until - clock.monotonic(), { ...deps, progress: show })));
      // Each further order would be refused for the same reason.
      if (done.some(({ job }) => job.failure?.kind === 'no_credits' || job.failure?.kind === 'bad_key')) break;
    }
  } catch (error) {
    if (error instanceof FluxError) return report(done, list, deps, error.failure);
    if (!signal.aborted) throw error;
  }
  return report(done, list, deps);
}

/** What may be ordered, once somebody has agreed to its price where that is needed. @throws FluxError */
async function agreed({ orders, max_credits: accepted }: PictureList, deps: GenerateDeps): Promise<ReadyProposal> {
  const { jobs, ask, signal, sandbox, redact } = deps;
  const options = { tool: 'generate', isBatch: orders.length > 1, accepted, canAsk: ask !== undefined, signal };
  let answer: ProposeOptions['answer'];
  for (;;) {
    const proposal = await jobs.propose(orders, { ...options, answer });
    if (proposal.type === 'refused') throw new FluxError(proposal.failure);
    if (proposal.type === 'ready') return proposal;
    const terms = { budget: ofToday(await jobs.leftToday(), jobs.settings), sandbox };
    const { question, upTo } = questionAbout(redactValues(proposal.added, redact), proposal.estimate, terms);
    answer = (await ask?.(question)) ? { type: 'yes', upTo } : { type: 'no' };
    signal.throwIfAborted();
  }
}

/** The jobs as they are at the end of the wait. What has not been sent by then is taken back. */
async function finished(ordered: readonly Ordered[], waitMs: number, deps: GenerateDeps): Promise<Ordered[]> {
  const { jobs, signal } = deps;
  const context = { ...deps, jobs: async () => jobs, canAsk: false, answer: undefined, defaultWaitSeconds: 0 };
  const seconds = Math.max(5, waitMs / 1_000);
  const [first, second] = ordered;
  const wait = first && !second ? waitForJob(first, seconds, context) : waitForAll(ordered, seconds, context);
  await wait.catch((error: unknown) => signal.aborted || Promise.reject(error));
  for (const { job, duplicate } of ordered) if (!duplicate) jobs.cancelUnsent(job.id);
  const ids = ordered.map(({ job }) => job.id);
  // What is being sent may have its answer in a moment.
  const last = await jobs.waitForAll(ids, { waitMs: 1_000 });
  return ordered.map((one, at) => ({ ...one, job: last[at] ?? one.job }));
}

const NOTHING = 'Nothing was ordered and nothing was spent. The same command starts again.';

const isUnsent = ({ failure }: Job): boolean => failure?.reason.code === 'order_cancelled';

/** Prints what became of each picture, and how to go on. @returns the exit code */
async function report(ordered: readonly Ordered[], list: PictureList, deps: GenerateDeps, refusal?: Failure) {
  const { jobs, clock, redact, sandbox, json, note } = deps;
  const found = redactValues(ordered, redact);
  const done = found.map(({ job }) => job);
  const total = list.orders.length;
  const duplicates = found.flatMap(({ job, duplicate }) => (duplicate ? job.id : []));
  const { batch } = done.find(({ id }) => !duplicates.includes(id)) ?? done[0] ?? {};
  const outcome = { type: 'jobs' as const, batch, jobs: done, duplicates };
  const whole = batchView(outcome, { ...jobs.settings, now: clock.now() });
  const saved = done.filter(({ state }) => state === 'saved').length;
  const unsent = total - done.length + done.filter(isUnsent).length;
  const open = done.filter((job) => !isSettled(job) && job.state !== 'unknown');
  const failed = total - saved - unsent - open.length;
  const counts = `${saved} saved, ${failed} failed or unknown, ${open.length} unfinished, ${unsent} not sent`;
  // Before the results: it takes the place of the bar.
  if (done.length > 0) note(`${counted(total, 'picture')}: ${counts}.`);
  else if (refusal === undefined) note(NOTHING);
  const refused = refusal && redactValues({ error: errorView(refusal), next: nextStep(refusal) }, redact);
  const nothing = refused ?? { ...whole, next: NOTHING };
  const [first] = done.length === 0 ? [nothing] : total === 1 ? whole.jobs : [];
  if (json) print(visibleJson(first ?? whole));
  else for (const [at, view] of whole.jobs.entries()) print(visible(`${at + 1}. ${lineOf(view, done[at])}`));

  const fetch = sandbox ? 'the same command finds them' : '"flux-pro-mcp jobs resume" fetches them';
  if (open.length > 0)
    note(`Unfinished: ${open.map(({ id }) => id).join(', ')}. The service goes on; ${fetch} without a new order.`);
  const again = list.allow_duplicate ? 'by itself' : 'with the same command, which pays again only for what failed';
  if (unsent > 0 && done.length > 0) note(`Nothing was spent for what was not sent. Order it ${again}.`);
  const balance = await jobs.lowBalance();
  if (balance !== undefined) note(`The credits are running low: the last known balance is ${balance}.`);
  if (sandbox) note('Sandbox: test pictures; no real credits are spent.');
  if (refusal !== undefined) note(`flux-pro-mcp: ${failureSentences(refusal)}\n${remedyFor(refusal)}`);
  if (deps.signal.aborted) return 130;
  if (refusal !== undefined) return REFUSED.includes(refusal.kind) ? 3 : /^bad_/u.test(refusal.kind) ? 2 : 1;
  if (failed > 0 || open.some(({ failure }) => failure)) return 1;
  return open.length + unsent > 0 ? 4 : 0;
}

function lineOf(view: JobView, job: Job | undefined): string {
  if (job && isUnsent(job)) return `not sent, ${fenced(view.prompt, 40)}, no credits spent`;
  const found = view.duplicate ? ' (found, not paid again)' : '';
  const why = job?.failure && cleanLine(`${failureSentences(job.failure, job)} ${todoFor(job)}`, 600);
  return `${statusText(view)}${found}, ${view.file ?? fenced(view.prompt, 40)}, ${creditsText(view)}${why ? `: ${why}` : ''}`;
}
