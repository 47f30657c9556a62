/** What the job service is given from outside, and what can be set. */
import type { ImageProvider } from '../core/image-provider.ts';
import type { ImageDownload, ImageStore, Preview } from '../core/image-store.ts';
import type { JobEvents, OtherRecords } from '../core/job-store.ts';
import type { Clock, Ids, Liveness, Log } from '../core/ports.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import type { SharedState } from '../core/shared-value.ts';
import type { WireMemory } from '../core/wire-memory.ts';
import type { BudgetSettings } from '../limits/budget.ts';
import type { Limits } from '../limits/limits.ts';
import type { DurationMemory } from '../polling/durations.ts';
import type { JobRecords } from './job-records.ts';

export type JobsDeps = {
  records: JobRecords;
  limits: Limits;
  provider: ImageProvider;
  keys: WireMemory['keys'];
  download: ImageDownload;
  store: ImageStore;
  preview: Preview;
  events: JobEvents;
  durations: DurationMemory;
  /** Ids of jobs whose call was given up, and which no answer has shown since. A hint. */
  givenUp: SharedState<readonly string[]>;
  clock: Clock;
  log: Log;
  ids: Ids;
  liveness: Liveness;
  others?: readonly OtherRecords[] | undefined;
  /** Tests whether what is about to be paid for can be kept. @throws FluxError of kind `storage_failed` */
  checkFolders: () => Promise<void>;
  containsSecret?: ContainsSecret;
  /** Called before each order leaves: what listens for events is there in time. Never rejects. */
  onSubmission?: (() => Promise<void>) | undefined;
};

export type JobsSettings = BudgetSettings & {
  /** An equal order finds the job for so long after its picture was saved. */
  duplicateHours: number;
  sandbox: boolean;
  /** Where the service reports the end of each job. */
  webhookUrl?: string | undefined;
  apiUrl?: string;
};
