/** Where a job's picture is, as its record says it: relative to the output folder, and never believed beyond it. */
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Job } from '../core/job.ts';
import { isReservedName } from './file-names.ts';

/** A folder for the month and a name in it; some more for files that a person has sorted. */
const STEPS_MAX = 8;
/** No device, drive, alternative stream or hidden file, and nothing that one system reads as a path and another not. */
const STEP = /^(?!\.)[^\\/:*?"<>|\p{Cc}]{1,255}(?<![. ])$/u;

/** The job as it is recorded. */
export function withRecordedPath(job: Job, outputFolder: string): Job {
  if (job.file === undefined) return job;
  const steps = stepsBelow(outputFolder, job.file);
  return steps === undefined ? job : { ...job, file: steps.join('/') };
}

/**
 * The job with the absolute path of its picture. A path that leads anywhere else is not followed: such a picture counts
 * as finished and not saved, so that it is fetched from its address when somebody asks for it.
 */
export function withAbsolutePath(job: Job, outputFolder: string): Job {
  if (job.file === undefined) return job;
  const steps = typeof job.file === 'string' ? stepsBelow(outputFolder, job.file) : undefined;
  if (steps !== undefined) return { ...job, file: join(outputFolder, ...steps) };
  const { file: _, ...rest } = job;
  return job.state === 'saved' ? { ...rest, state: 'completed' } : rest;
}

/** @param file relative with slashes, or absolute @returns `undefined` for what is not safely inside the folder */
export function stepsBelow(folder: string, file: string): string[] | undefined {
  const steps = isAbsolute(file) ? relative(folder, file).split(sep) : file.split('/');
  const isSafe = steps.length <= STEPS_MAX && steps.every((step) => STEP.test(step) && !isReservedName(step));
  return isSafe ? steps : undefined;
}
