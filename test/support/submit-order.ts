/** Owns the way of one order from its record to the service for tests without job records on disk: by the program's own loop. */
import type { Clock } from '../../src/core/ports.ts';
import type { ImageProvider, RemoteJob } from '../../src/core/image-provider.ts';
import type { ImageRequest } from '../../src/core/image-request.ts';
import { advance, type Job } from '../../src/core/job.ts';
import { Wakeup } from '../../src/core/primitives.ts';
import { type Sending, type SendingDeps, sendOrder } from '../../src/jobs/submission.ts';
import type { RequestLimiter } from '../../src/limits/limits.ts';
import type { PermitAsk } from '../../src/limits/rate-state.ts';
import { createPlainWireMemory } from './plain-wire-memory.ts';
import { owner, sampleJob } from '../unit/core/sample-jobs.ts';

export type SubmitOptions = {
  /** Ends the process, as far as the order is concerned. */
  signal: AbortSignal;
  /** Stands for the disk: called whenever the order is recorded as submitting. */
  beforeSending?: (dialect: string) => Promise<void>;
  /** The order was sent before, in this dialect. */
  dialect?: string;
  onWait?: (until: number) => void;
  webhookUrl?: string;
};

export type Submit = (request: ImageRequest, key: string, options?: SubmitOptions) => Promise<RemoteJob>;

/** Remembers which orders may have been carried out, and in which dialect, as the records would. */
export function createSubmit(
  provider: Pick<ImageProvider, 'prepare' | 'send'>,
  limits: RequestLimiter,
  clock: Clock,
): Submit {
  const open = new Map<string, Job>();
  return async (request, key, { signal, beforeSending, dialect, onWait, webhookUrl } = { signal: never() }) => {
    const isOpen = dialect !== undefined;
    let job = open.get(key) ?? {
      ...sampleJob({ idempotencyKey: key, request, createdAt: clock.now(), updatedAt: clock.now() }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
      ...(isOpen ? { state: 'submitting' as const, dialect } : {}),
    };
    const apply: SendingDeps['records']['apply'] = async (_, event) => {
      if (event.type === 'sending') await beforeSending?.(event.dialect ?? '');
      job = advance(job, event);
      open.set(key, job);
      return job;
    };
    const sending: Sending = {
      life: signal,
      cancellation: new AbortController(),
      isCancellable: true,
      waitReason: undefined,
      slotFreed: new Wakeup(clock),
    };
    const wake = (): void => {
      if (sending.waitReason?.reason === 'permit') onWait?.(sending.waitReason.until);
    };
    return sendOrder(
      job,
      {
        // Orders are never old here.
        provider: { ...provider, times: async () => ({ here: clock.now() }) },
        limits: { permit: (ask?: PermitAsk) => limits.permit(ask), slot: async () => ({ taken: true }) },
        clock,
        keys: createPlainWireMemory().keys,
        records: { apply, wake },
        reconcile: async () => undefined,
        liveness: { self: owner() },
      } as unknown as SendingDeps,
      sending,
    );
  };
}

const never = (): AbortSignal => new AbortController().signal;
