/** The pictures that the page knows of, and which of them is selected. */
import { isFinished, type ViewedEta, type ViewedJob } from './viewed-job.ts';

export type Entry = {
  job: ViewedJob;
  /** `data:` address. */
  picture?: string;
  eta?: ViewedEta | undefined;
  /** Milliseconds of the page's clock, when it was first seen. */
  since: number;
};

export class Album {
  readonly #entries = new Map<string, Entry>();
  #selected: string | undefined;

  get entries(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  get selected(): Entry | undefined {
    return this.#selected === undefined ? undefined : this.#entries.get(this.#selected);
  }

  /** Adds the job, or takes over what is new about it; the first one is selected. */
  take(job: ViewedJob, news: { picture?: string | undefined; eta?: ViewedEta | undefined }, now: number): void {
    const known = this.#entries.get(job.jobId);
    const picture = news.picture ?? known?.picture;
    this.#entries.set(job.jobId, {
      job,
      since: known?.since ?? now,
      eta: isFinished(job) ? undefined : news.eta,
      ...(picture === undefined ? {} : { picture }),
    });
    this.#selected ??= job.jobId;
  }

  select(jobId: string): void {
    if (this.#entries.has(jobId)) this.#selected = jobId;
  }

  /** The unfinished one that has waited longest. */
  nextOpen(): Entry | undefined {
    return this.entries.find(({ job }) => !isFinished(job));
  }
}
