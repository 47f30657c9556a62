/** Several jobs in the fewest words: for hosts that take no more. Ids, states and files are all there. */
import { type BatchView, headline } from './batch-text.ts';
import type { JobView } from './job-view.ts';
import type { JobsOutcome } from './tool.ts';

export function bareBatchText(view: BatchView, outcome: JobsOutcome, notes: readonly string[]): string {
  const folder = mostCommon(view.jobs.flatMap(({ file }) => (file === undefined ? [] : [folderOf(file)])));
  return [
    headline(view, outcome.waitedSeconds),
    ...(folder === undefined
      ? []
      : [
          `Files are in ${folder} unless they are named with a folder. The job_id of a file stands in its name ("job_" and what follows).`,
        ]),
    ...view.jobs.map((job, at) => `${at + 1}. ${entryText(job, folder)}`),
    ...notes,
    ...(view.jobs.some(({ sandbox }) => sandbox) ? ['Sandbox: test pictures; no real credits are spent.'] : []),
    `Next: ${view.next}`,
  ].join('\n');
}

function entryText({ job_id: id, status, file, error }: JobView, folder: string | undefined): string {
  const name = file !== undefined && folderOf(file) === folder ? file.slice(folder.length) : file;
  return [
    status,
    ...(name?.includes(id) ? [] : [id]),
    ...(error === undefined ? [] : [`${error.kind}, credits spent: ${error.credits_spent}`]),
    ...(name === undefined ? [] : [name]),
  ].join(', ');
}

/** With the separator at its end, of either system. */
function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}

function mostCommon(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
}
