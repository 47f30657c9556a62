/** Pages through a list of jobs by cursors that stay right while new jobs come in. */
import type { Job } from './job.ts';

export type JobPage = { jobs: readonly Job[]; nextCursor?: string };

const CURSOR = /^(\d{1,16})\.(job_[a-z0-9]{1,64})$/u;

/** The order of every list: of one moment, by id. */
export function newestFirst(one: Job, other: Job): number {
  return other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1);
}

/**
 * @param jobs newest first
 * @param cursor of the page before; it names the last job of that page, which need not exist any more
 * @returns `undefined` for a cursor that no page can have given
 */
export function pageOfJobs(jobs: readonly Job[], limit: number, cursor?: string): JobPage | undefined {
  const [, at, id] = cursor === undefined ? [] : (CURSOR.exec(cursor) ?? []);
  if (cursor !== undefined && (at === undefined || id === undefined)) return undefined;
  const after = at === undefined || id === undefined ? jobs : jobs.filter((job) => isAfter(job, Number(at), id));
  const page = after.slice(0, limit);
  const last = page.at(-1);
  return last === undefined || after.length <= limit
    ? { jobs: page }
    : { jobs: page, nextCursor: `${last.createdAt}.${last.id}` };
}

/** In the order of the list: older, or of the same moment and further on by id. */
function isAfter(job: Job, createdAt: number, id: string): boolean {
  return job.createdAt < createdAt || (job.createdAt === createdAt && job.id < id);
}
