/** `jobs`: the orders on record for this service and key; only `resume` uses the network. */
import { isSettled, type Job } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanLine, fenced } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import { failureSentences, saidOf } from '../mcp/failure-text.ts';
import type { JobStatus, JobView } from '../mcp/job-view.ts';
import { factsOf, JOB_STATUSES, jobText, jobView, statusOf, statusText } from '../mcp/job-view.ts';
import { systemClock } from '../runtime/system.ts';
import { damagedRecords } from '../storage/file-stores.ts';
import { type Arguments, UsageError } from './command.ts';
import { purge, purgeOptions, typedYes } from './jobs-purge.ts';
import { openRecords, type Records } from './records.ts';
import { remedyFor, todoFor } from './remedies.ts';
import { oneOf, wholeNumber } from './settings.ts';
import { counted, print, visible, visibleJson, writeStderr } from './terminal-text.ts';

/** The actions that each flag is for; one that would be without effect is refused. */
const ACTIONS_OF = {
  ...{ limit: ['list'], status: ['list'], json: ['list', 'show'], 'wait-seconds': ['resume'] },
  ...{ 'older-than': ['purge'], pictures: ['purge'], 'dry-run': ['purge'], yes: ['purge'] },
};
const TAKE_ID = ['show', 'cancel'];

export async function run(args: Arguments): Promise<number> {
  const { action, id } = requestOf(args);
  const json = args.flags.json !== undefined;
  const limit = wholeNumber(args, 'limit', { min: 1, max: 1_000 }) ?? 20;
  const waitSeconds = wholeNumber(args, 'wait-seconds', { min: 0, max: 3_600 }) ?? 120;
  const status = oneOf(args, 'status', JOB_STATUSES);
  const purging = action === 'purge' ? purgeOptions(args) : undefined;
  const records = await openRecords(args, 'jobs');
  const { app, apiUrl } = records;
  try {
    if (action === 'list') return await list(records, status, limit, json);
    if (action === 'resume') return await resumeAll(records, waitSeconds);
    if (action === 'adopt') return await adopt(records);
    if (purging !== undefined) {
      const say = (line: string): void => print(visible(records.redact(line)));
      return await purge({ ...app, now: systemClock.now(), say, ask: typedYes }, purging);
    }
    const job = await app.jobs.find(id);
    if (job === undefined)
      return complain(
        `there is no job ${fenced(id, 200)} on record for ${apiUrl} and this key. jobs list shows what there is.`,
        records,
      );
    return action === 'show' ? show(job, records, json) : await cancel(job, records);
  } finally {
    await app.close();
  }
}

/** @throws UsageError when words or flags do not belong to the action */
function requestOf({ words, flags }: Arguments): { action: string; id: string } {
  const [action = 'list', id = ''] = words;
  const takesId = TAKE_ID.includes(action);
  if (takesId && id === '') throw new UsageError(`jobs ${action} needs ID, the id of a job. jobs list shows them.`);
  if (!takesId && id !== '') throw new UsageError(`jobs ${action}: unexpected argument ${JSON.stringify(id)}.`);
  for (const [flag, actions] of Object.entries(ACTIONS_OF))
    if (flags[flag] !== undefined && !actions.includes(action))
      throw new UsageError(`--${flag} is for jobs ${actions[0]}, not for jobs ${action}.`);
  return { action, id };
}

/** In the time zone of this machine. */
const timeText = (at: string) => new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

const viewOf = (job: Job, { jobs }: Records): JobView => jobView(job, { ...jobs.settings, now: systemClock.now() });

async function list(records: Records, status: JobStatus | undefined, limit: number, json: boolean): Promise<number> {
  const { apiUrl, folder, log, redact } = records;
  const isWanted = ({ state }: Job) => status === undefined || statusOf(state) === status;
  const page = await records.jobs.page({ limit, isWanted, readAtMost: Number.POSITIVE_INFINITY });
  // Before anything is shortened: half a secret would not be recognised any more.
  const views = redactValues(page?.jobs ?? [], redact).map((job) => viewOf(job, records));
  const { count, folder: aside } = await damagedRecords(folder);
  const damaged = `${counted(count, 'damaged record')} ${count === 1 ? 'is' : 'are'} set aside in ${aside} and not listed.`;
  const notes = [...(count === 0 ? [] : [damaged]), ...(await otherKeysText(records.jobs))];
  if (json) {
    print(visibleJson(views));
    for (const note of notes) log.warn(note);
    return 0;
  }
  const found = { hasMore: page?.nextCursor !== undefined, status, whose: `for ${apiUrl} and this key` };
  const table = views.length === 0 ? [] : [jobsTable(views), ''];
  print(visible(redact([...table, countText(views.length, found), ...notes, `Records: ${folder}`].join('\n'))));
  return 0;
}

async function otherKeysText({ otherKeys }: ImageJobs): Promise<string[]> {
  const others = await otherKeys.unfinished();
  return others ? [`${saidOf(others).what} ${remedyFor(others)}`] : [];
}

type Found = { hasMore: boolean; status: JobStatus | undefined; whose: string };

export function countText(shown: number, { hasMore, status, whose }: Found): string {
  const which = status === undefined ? '' : ` with the status ${status}`;
  if (shown === 0) return `There are no jobs${which} on record ${whose}.`;
  const jobs = `${counted(shown, 'job')}${which}`;
  return hasMore ? `The newest ${jobs}; --limit N shows more.` : `${jobs}.`;
}

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
  const where = file ?? (error === undefined ? '' : `(${error.kind})`);
  return [id, statusText(view), timeText(createdAt), isFree ? '0' : range, cleanLine(prompt, 40), where];
}

function show(found: Job, records: Records, json: boolean): number {
  const job = redactValues(found, records.redact);
  const view = viewOf(job, records);
  const facts = factsOf(job).map((fact) => `${fact.charAt(0).toUpperCase()}${fact.slice(1)}`);
  const notes = [`Ordered: ${timeText(view.created_at)}`, ...facts];
  print(json ? visibleJson(view) : visible(jobText({ ...view, next: todoFor(job) }, job, { notes })));
  return 0;
}

/** @returns the exit code: 0 when it was never sent, and never will be */
async function cancel({ id }: Job, records: Records): Promise<number> {
  const { state, failure } = await records.jobs.cancel(id);
  if (failure?.reason.code === 'user_cancelled') {
    print(`${id} was cancelled before it was sent: nothing was ordered, and no credits were spent.`);
    return 0;
  }
  if (state === 'saved' || state === 'failed')
    return complain(`${id} has already ended (${statusOf(state)}): there is nothing to cancel.`, records);
  const goesOn = 'has been sent, and the service cannot cancel an order: the job continues and may be charged';
  return complain(`${id} ${goesOn}. jobs show ${id} shows its status, and jobs resume waits for it.`, records);
}

/** @returns the exit code: 1 while a server is at work with the other key */
async function adopt({ jobs }: Records): Promise<number> {
  const { adopted, busy } = await jobs.otherKeys.adopt();
  const idsOf = (some: readonly Job[]): string => some.map(({ id }) => id).join(', ');
  const next = 'jobs resume fetches the pictures; an order that may not have arrived is not sent again with this key';
  print(adopted.length === 0 ? 'There was nothing to adopt.' : `Adopted: ${idsOf(adopted)}. Next: ${next}.`);
  if (busy.length > 0)
    print(`Not taken over: ${idsOf(busy)}. A server is using that key; stop it and run jobs adopt again.`);
  for (const line of await otherKeysText(jobs)) print(line);
  return busy.length === 0 ? 0 : 1;
}

function complain(problem: string, { redact }: Records): number {
  writeStderr(redact(`flux-pro-mcp: ${problem}\n`));
  return 1;
}

async function resumeAll({ jobs, redact }: Records, waitSeconds: number): Promise<number> {
  const interrupted = new AbortController();
  // Once: whoever asks a second time is not kept waiting.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  const say = (line: string): void => print(visible(line));
  return resume({ jobs, clock: systemClock, say, redact, signal: interrupted.signal }, waitSeconds);
}

export type ResumeDeps = {
  jobs: Pick<ImageJobs, 'open' | 'find' | 'resumeAll' | 'waitFor'>;
  clock: Clock;
  say: (line: string) => void;
  redact: Redact;
  /** Ends the waiting, never the jobs. */
  signal: AbortSignal;
};

/** @returns the exit code: 0 when no job is left unfinished */
export async function resume(deps: ResumeDeps, waitSeconds: number): Promise<number> {
  const { jobs, clock, say } = deps;
  const until = clock.monotonic() + waitSeconds * 1_000;
  const open = (await jobs.open()).length;
  if (open === 0) {
    say('There is nothing to resume: no job is unfinished.');
    return 0;
  }
  say(`Resuming ${counted(open, 'job')}, for at most ${waitSeconds} s.`);
  const resumed = await jobs.resumeAll();
  const finished = await Promise.all(resumed.map((job) => settle(job, deps, until - clock.monotonic())));
  say(summaryOf(finished));
  return finished.every(isSettled) ? 0 : 1;
}

/** The job when it is settled or the time is up; prints a line for each change. */
async function settle(job: Job, { jobs, say, redact, signal }: ResumeDeps, waitMs: number): Promise<Job> {
  let said = '';
  const report = (now: Job): void => {
    const line = lineOf(redactValues(now, redact));
    if (line !== said) say(line);
    said = line;
  };
  const finished = await jobs
    .waitFor(job.id, { waitMs: Math.max(0, waitMs), signal, onTick: (progress) => report(progress.job) })
    .catch(async (error: unknown) => {
      if (!signal.aborted) throw error;
      return (await jobs.find(job.id)) ?? job;
    });
  report(finished);
  return finished;
}

function lineOf(job: Job): string {
  const pieces = [`${job.id}: ${statusOf(job.state)}`];
  if (job.file !== undefined) pieces.push(visible(job.file));
  else if (job.failure !== undefined) pieces.push(cleanLine(failureSentences(job.failure, job), 600));
  else if (job.state === 'completed') pieces.push('the picture is being fetched');
  else if (job.remoteStatus !== undefined) pieces.push(`the service says ${fenced(job.remoteStatus, 60)}`);
  return pieces.join(', ');
}

function summaryOf(finished: readonly Job[]): string {
  const count = (state: Job['state']): number => finished.filter((job) => job.state === state).length;
  const left = finished.length - count('saved') - count('failed');
  const again = left === 0 ? '' : ' Run "flux-pro-mcp jobs resume" again to continue.';
  return `${counted(finished.length, 'job')}: ${count('saved')} saved, ${count('failed')} failed, ${left} left unfinished. Nothing new was ordered.${again}`;
}
