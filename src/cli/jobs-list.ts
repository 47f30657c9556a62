/** What `jobs list` says: the table, what it leaves out, and where the records are. */
import type { JobStatus, JobView } from '../mcp/job-view.ts';
import { jobsTable } from './jobs-table.ts';
import { visible } from './terminal-text.ts';

export type JobsList = {
  /** Newest first, no more than were asked for. */
  views: readonly JobView[];
  /** How many of that status there are. */
  found: number;
  /** How many there are of every status. */
  onRecord: number;
  status: JobStatus | undefined;
  /** Origin of the service that they were ordered from. */
  service: string;
  folder: string;
  damaged: { folder: string; count: number };
};

export function jobsListText(list: JobsList): string {
  const { count, folder } = list.damaged;
  const aside = `${count === 1 ? '1 damaged record is' : `${count} damaged records are`} set aside in ${visible(folder)}`;
  return [
    ...(list.views.length === 0 ? [noneText(list)] : [jobsTable(list.views), '', countText(list)]),
    ...(count === 0 ? [] : [`${aside}; what stands there is not listed.`]),
    `Records: ${visible(list.folder)}`,
  ].join('\n');
}

function noneText({ status, onRecord, service }: JobsList): string {
  const which = `for ${service} and this key`;
  if (onRecord === 0) return `There are no jobs on record ${which}.`;
  return `None of the ${jobs(onRecord)} on record ${which} is of status ${status}.`;
}

function countText({ views, found, status }: JobsList): string {
  const of = status === undefined ? '' : ` of status ${status}`;
  if (views.length === found) return `${jobs(found)}${of}.`;
  return `The newest ${views.length} of ${jobs(found)}${of}; --limit N shows more.`;
}

const jobs = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`);
