/** Tells whoever listens what becomes of the jobs of this process. */
import type { Job } from './job.ts';

/** `isNew`: it was recorded just now; otherwise it is the job after a change. */
export type JobNews = { job: Job; isNew: boolean };

export class JobFeed {
  readonly #listeners = new Set<(news: JobNews) => void>();

  publish(news: JobNews): void {
    for (const listener of this.#listeners) listener(news);
  }

  /** Until the returned function is called. A listener must not throw. */
  listen(listener: (news: JobNews) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
