/** `jobs purge`: removes the records of orders that ended long ago, and their pictures where that is wanted. */
import type { App } from '../app.ts';
import { isSettled } from '../core/job.ts';
import { iso } from '../mcp/job-view.ts';
import { REPLACEMENTS } from '../mcp/words/storage.ts';
import { errorCode } from '../storage/disk-errors.ts';
import { removeSaved } from '../storage/output-folder.ts';
import { type Arguments, UsageError } from './command.ts';
import { wholeNumber } from './settings.ts';
import { addTo, creditsText, noCost } from './spend.ts';
import { counted, type print, writeStderr } from './terminal-text.ts';

export type PurgeOptions = { days: number; pictures: boolean; mode: 'ask' | 'yes' | 'dry-run' };

export function purgeOptions(args: Arguments): PurgeOptions {
  const { pictures, yes, 'dry-run': trial } = args.flags;
  // For up to 7 days an equal order finds a job (FLUX_DUPLICATE_HOURS), and clocks differ.
  const days = wholeNumber(args, 'older-than', { min: 8, max: 36_500 });
  if (days === undefined) throw new UsageError('jobs purge needs --older-than DAYS, a whole number from 8 to 36500.');
  const mode = trial ? 'dry-run' : yes ? 'yes' : 'ask';
  if (mode === 'ask' && !(process.stdin.isTTY && process.stdout.isTTY))
    throw new UsageError('jobs purge asks first, and there is no terminal. Add --yes, or --dry-run to look only.');
  return { days, pictures: pictures !== undefined, mode };
}

export async function typedYes(): Promise<boolean> {
  writeStderr('Type yes to remove them for good: ');
  // A terminal gives whole lines, and is let go of with the first one.
  for await (const line of process.stdin) return String(line).trim().toLowerCase() === 'yes';
  return false;
}

type PurgeDeps = Pick<App, 'store' | 'output' | 'reserved'> & { now: number; say: typeof print; ask: typeof typedYes };

/** @returns the exit code: 0 when nothing is left of what was to be removed */
export async function purge(deps: PurgeDeps, options: PurgeOptions): Promise<number> {
  const { say, ask } = deps;
  const { days, mode } = options;
  const { records, pictures, left, from, to, cost } = await walk(deps, options, true);
  if (records === 0) say(`There is nothing to remove: no order on record ended more than ${days} days ago.`);
  if (records === 0) return left === 0 ? 0 : 1;
  say(`${counted(records, 'order')} ended more than ${days} days ago, placed from ${from} to ${to} (UTC).`);
  say(`Credits spent on them: ${creditsText(cost)}.`);
  say(options.pictures ? `Pictures to be removed as well: ${pictures}.` : 'Their pictures stay.');
  say('jobs and spend will not show these orders any more; to keep the figures, run flux-pro-mcp spend --csv first.');
  const isAgreed = mode === 'yes' || (mode === 'ask' && (await ask()));
  if (!isAgreed) say('Nothing was removed.');
  if (!isAgreed) return mode === 'dry-run' ? 0 : 1;
  const done = await walk(deps, options, false);
  say(`Removed: ${counted(done.records, 'record')}, ${counted(done.pictures, 'picture')}. Left: ${done.left}.`);
  return done.left === 0 ? 0 : 1;
}

const WHY: Record<string, string> = { ...REPLACEMENTS, changed: 'changed since it was saved', ENOENT: 'not there' };

/** Names each picture that is not removed. @param isTrial only looks */
async function walk({ store, output, reserved, now, say }: PurgeDeps, options: PurgeOptions, isTrial: boolean) {
  const walked = { records: 0, pictures: 0, left: 0, from: '', to: '', cost: noCost() };
  const before = now - options.days * 24 * 60 * 60_000;
  const needed = await reserved();
  for await (const job of store.newest()) {
    const { id, createdAt, updatedAt, savedAt = 0, file } = job;
    if (!isSettled(job) || Math.max(createdAt, updatedAt, savedAt) >= before || needed.has(id)) continue;
    const seen = isTrial ? undefined : await store.read(id);
    // It changes at this moment, or a newer version of this program wrote it.
    const isKept = !isTrial && (seen?.value.updatedAt !== updatedAt || seen.isNewer);
    const removal = !isKept && options.pictures && file !== undefined && removeSaved(output, job, isTrial);
    const problem = removal ? await removal.catch(errorCode) : undefined;
    // The next time may go better.
    const isStuck = problem !== undefined && !(problem in WHY);
    if (problem && (isTrial || isStuck)) say(`${file} is not removed: ${WHY[problem] ?? `error ${problem}`}.`);
    if (isKept || isStuck || (seen && (await store.remove(seen)) === 'conflict')) walked.left += 1;
    else {
      walked.records += 1;
      if (removal && problem === undefined) walked.pictures += 1;
      if (!job.sandbox) addTo(walked.cost, job);
      walked.to ||= iso(createdAt).slice(0, 10);
      walked.from = iso(createdAt).slice(0, 10);
    }
  }
  return walked;
}
