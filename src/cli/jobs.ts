/** `jobs`: the orders on record for this service and key; `list` and `show` use no network, `resume` asks the service. */

import { redactValues } from '../core/redaction.ts';
import { cleanLine, fenced } from '../core/untrusted-text.ts';
import { JOB_STATUSES, type JobStatus, type JobView, jobText, jobView, statusOf, statusText } from '../mcp/job-view.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { stayAlive, systemClock } from '../runtime/system.ts';
import { createFileJobStore, damagedRecords } from '../storage/file-stores.ts';
import { apiKeyOf } from '../storage/key-file.ts';
import { outputFolder, partitionFolder, stateFolder } from '../storage/paths.ts';
import { type Arguments, CommandFailure, UsageError } from './command.ts';
import { resume } from './jobs-resume.ts';
import { NOT_FOR_JOBS, oneOf, secretsOf, settingsOf, wholeNumber } from './settings.ts';
import { counted, print, visible, visibleJson, writeStderr } from './terminal-text.ts';

const LIMIT = { min: 1, max: 1_000, default: 20 };
const WAIT_SECONDS = { min: 0, max: 3_600, default: 120 };

/** The flags of each action; one that would be without effect is refused. */
const TAKES = { list: ['limit', 'status', 'json'], show: ['json'], resume: ['wait-seconds'] } as const;
type Action = keyof typeof TAKES;

export async function run(args: Arguments): Promise<number> {
  const { action, id } = requestOf(args);
  const json = args.flags.json !== undefined;
  const limit = wholeNumber(args, 'limit', LIMIT) ?? LIMIT.default;
  const waitSeconds = wholeNumber(args, 'wait-seconds', WAIT_SECONDS) ?? WAIT_SECONDS.default;
  const status = oneOf(args, 'status', JOB_STATUSES);
  const records = await open(args);
  if (action === 'show') return show(records, id, json);
  if (action === 'resume') return resumeAll(records, waitSeconds);
  return list(records, { limit, status, json });
}

/** @throws UsageError when words or flags do not belong to the action */
function requestOf({ words, flags }: Arguments): { action: Action; id: string } {
  const [action = 'list', id = ''] = words as [Action?, string?];
  if (action === 'show' && id === '')
    throw new UsageError('jobs show needs ID, the id of a job. jobs list shows them.');
  if (action !== 'show' && id !== '') throw new UsageError(`jobs ${action} takes no ${JSON.stringify(id)}.`);
  for (const [other, names] of Object.entries(TAKES)) {
    const misplaced = names.find((name) => flags[name] !== undefined && !TAKES[action].some((own) => own === name));
    if (misplaced !== undefined) throw new UsageError(`--${misplaced} is for jobs ${other}, not for jobs ${action}.`);
  }
  return { action, id };
}

type Records = Awaited<ReturnType<typeof open>>;

/**
 * The records of one service and key, and what is needed to print them.
 * @throws UsageError when no key is set, FluxError of kind `bad_key` when its file cannot be read
 */
async function open(args: Arguments) {
  const config = await settingsOf(args, NOT_FOR_JOBS);
  const apiKey = await apiKeyOf(config);
  if (apiKey === undefined)
    throw new UsageError(
      'jobs needs your key to find the records, which are kept separately for each service and key; the key is not ' +
        'sent anywhere. Set DOITONG_API_KEY or DOITONG_API_KEY_FILE.',
    );
  const secrets = secretsOf({ ...config, apiKey });
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);
  const folder = partitionFolder(stateFolder(config), config.apiUrl, apiKey);
  const jobStore = createFileJobStore(folder, { clock: systemClock, log, outputFolder: await outputFolder(config) });
  const view = { now: systemClock.now(), stalledAfterMs: config.stalledMinutes * 60_000, apiUrl: config.apiUrl };
  return { jobStore, folder, config: { ...config, apiKey }, log, secrets, view };
}

async function list(
  { jobStore, folder, config, log, secrets, view }: Records,
  { limit, status, json }: { limit: number; status: JobStatus | undefined; json: boolean },
): Promise<number> {
  const jobs = await jobStore.list();
  const wanted = jobs.filter((job) => status === undefined || statusOf(job.state) === status);
  // Before anything is shortened: half a secret would not be recognised any more.
  const views = redactValues(wanted.slice(0, limit), secrets.redact).map((job) => jobView(job, view));
  const damaged = damagedRecords(folder);
  if (json) {
    print(visibleJson(views));
    if (damaged.count > 0) log.warn('damaged records have been set aside', damaged);
    return 0;
  }
  const found = { all: jobs.length, wanted: wanted.length, status, whose: `for ${config.apiUrl} and this key` };
  const aside = `${counted(damaged.count, 'damaged record')} ${damaged.count === 1 ? 'is' : 'are'} set aside in`;
  const lines = [
    ...(views.length === 0 ? [] : [jobsTable(views), '']),
    countText(views.length, found),
    ...(damaged.count === 0 ? [] : [`${aside} ${damaged.folder} and not listed.`]),
    `Records: ${folder}`,
  ];
  print(visible(secrets.redact(lines.join('\n'))));
  return 0;
}

type Found = { all: number; wanted: number; status: JobStatus | undefined; whose: string };

export function countText(shown: number, { all, wanted, status, whose }: Found): string {
  if (all === 0) return `There are no jobs on record ${whose}.`;
  if (wanted === 0) return `None of the ${counted(all, 'job')} on record ${whose} has the status ${status}.`;
  const jobs = `${counted(wanted, 'job')}${status === undefined ? '' : ` with the status ${status}`}`;
  return shown === wanted ? `${jobs}.` : `The newest ${shown} of ${jobs}; --limit N shows more.`;
}

const PROMPT_SHOWN_CHARACTERS = 40;
const HEAD = ['JOB', 'STATUS', 'CREATED', 'CREDITS', 'PROMPT', 'FILE'];

/** A line of headings, then a line for each job; the longest column is the last, so that it pushes nothing away. */
export function jobsTable(views: readonly JobView[]): string {
  const rows = [HEAD, ...views.map(columns)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((text, at) => text.padEnd(widths[at] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

function columns(view: JobView): string[] {
  const { job_id: id, created_at: createdAt, prompt, credits, error, status, file } = view;
  const range = credits.exact === undefined ? `${credits.min}–${credits.max}` : String(credits.exact);
  const isFree = status === 'failed' && error?.credits_spent === 'no';
  // To the second: the fraction helps nobody.
  const created = createdAt.replace(/\.\d+Z$/u, 'Z');
  const where = file ?? (error === undefined ? '' : `(${error.kind})`);
  return [id, statusText(view), created, isFree ? '0' : range, cleanLine(prompt, PROMPT_SHOWN_CHARACTERS), where];
}

async function show({ jobStore, config, secrets, view }: Records, id: string, json: boolean): Promise<number> {
  const found = await jobStore.find(id);
  if (found === undefined) {
    const problem = `there is no job ${fenced(id, 200)} on record for ${config.apiUrl} and this key.`;
    throw new CommandFailure(secrets.redact(`${problem} jobs list shows what there is.`));
  }
  const job = redactValues(found, secrets.redact);
  const shown = jobView(job, view);
  print(json ? visibleJson(shown) : visible(jobText(shown, job)));
  return 0;
}

async function resumeAll({ config, log, secrets }: Records, waitSeconds: number): Promise<number> {
  // Loaded here alone: it brings everything that speaks with the service.
  const { createApp } = await import('../app.ts');
  const app = await createApp({ ...config, sandbox: false }, { log, onSecret: (secret) => secrets.add(secret) });
  const interrupted = new AbortController();
  // Once: whoever asks a second time is not kept waiting.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  const letGo = stayAlive();
  try {
    const { jobs } = app;
    const { redact } = secrets;
    const say = (line: string): void => print(visible(line));
    return await resume({ jobs, clock: systemClock, say, redact, signal: interrupted.signal }, waitSeconds);
  } finally {
    await app.close();
    letGo();
  }
}
