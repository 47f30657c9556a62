// Owns the file that keeps the sandbox's jobs beyond the end of its process.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Job } from './job.ts';

/** Several processes may share it: each adds the jobs of the others to its own before it writes. */
export class JobFile {
  /** The version of the file that was read or written last. */
  private version = '';

  constructor(private readonly path: string) {}

  /** Nothing where the file has not changed since, is not there, or cannot be read: then the sandbox begins again. */
  read(): Job[] {
    const version = this.versionNow();
    if (version === this.version) return [];
    this.version = version;
    const kept = attempt(() => JSON.parse(readFileSync(this.path, 'utf8')) as { jobs: unknown } | null);
    return Array.isArray(kept?.jobs) ? kept.jobs.filter(isJob) : [];
  }

  /** Whole or not at all for every reader. What cannot be written stays known to this process. */
  write(jobs: readonly Job[]): void {
    const part = `${this.path}.${randomBytes(5).toString('hex')}.part`;
    attempt(() => {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      // Readable by the user alone: there are prompts in it.
      writeFileSync(part, JSON.stringify({ jobs }), { mode: 0o600, flush: true });
      renameSync(part, this.path);
    });
    attempt(() => rmSync(part, { force: true }));
    this.version = this.versionNow();
  }

  private versionNow(): string {
    const found = attempt(() => statSync(this.path, { throwIfNoEntry: false, bigint: true }));
    return found ? `${found.ino} ${found.mtimeNs}` : '';
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
  const { id, submission, creditCost, createdAtMs, endsAtMs, ending } = Object(value) as Partial<Job>;
  return (
    typeof id === 'string' &&
    typeof submission?.prompt === 'string' &&
    [submission.width, submission.height, creditCost, createdAtMs, endsAtMs].every(Number.isFinite) &&
    ['completed', 'failed', 'moderated', 'never'].includes(ending ?? '')
  );
}
