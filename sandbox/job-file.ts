// Owns the file that keeps the sandbox's jobs beyond the end of its process.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Job } from './job.ts';

/** As many as the largest daily limit, which is counted by them. */
const KEPT_JOBS = 10_000;

/** Several processes may share it: each adds the jobs of the others to its own before it writes. */
export class JobFile {
  constructor(private readonly path: string) {}

  /** Nothing where the file is not there, or cannot be read: then the sandbox begins again. */
  read(): Job[] {
    const kept = attempt(() => JSON.parse(readFileSync(this.path, 'utf8')) as { jobs: unknown } | null);
    return Array.isArray(kept?.jobs) ? kept.jobs.filter(isJob) : [];
  }

  /** Whole or not at all for every reader. What cannot be written stays known to this process. */
  write(jobs: readonly Job[]): void {
    const part = `${this.path}.${randomBytes(5).toString('hex')}.part`;
    attempt(() => {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // Readable by the user alone: there are prompts in it.
      writeFileSync(part, JSON.stringify({ jobs: jobs.slice(-KEPT_JOBS) }), { mode: 0o600, flush: true });
      renameSync(part, this.path);
    });
    attempt(() => rmSync(part, { force: true }));
  }
}

/** The sandbox is there for trying things out: a disk that refuses is no reason to refuse an order. */
function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function isJob(value: unknown): value is Job {
  const { id, submission, endsAtMs } = Object(value) as Partial<Job>;
  return typeof id === 'string' && typeof submission?.prompt === 'string' && Number.isFinite(endsAtMs);
}
