/** The names of resources. */

export const JOB_URI_PREFIX = 'flux://jobs/';
export const IMAGE_URI_PREFIX = 'flux://images/';
export const LIMITS_URI = 'flux://limits';
export const GUIDE_URI = 'flux://guide/prompting';
export const VIEWER_URI = 'ui://flux/viewer';

export const jobUri = (jobId: string): string => `${JOB_URI_PREFIX}${jobId}`;
export const imageUri = (jobId: string): string => `${IMAGE_URI_PREFIX}${jobId}`;

/** The id in the name of a job or of its picture. */
export function jobIdOf(uri: string): string | undefined {
  const prefix = [JOB_URI_PREFIX, IMAGE_URI_PREFIX].find((known) => uri.startsWith(known));
  return prefix === undefined ? undefined : uri.slice(prefix.length);
}
