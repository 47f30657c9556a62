/** Sends a recorded order: waits for a place, marks the record before the first byte leaves, and takes the verdict. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { JobGate } from '../core/gate.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import { type Job, keyIsTooOld } from '../core/job.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import { placeWaitSeconds } from '../core/wait-progress.ts';
import type { JobBoard } from './job-board.ts';

/** How often those who wait for a place look whether one is free. */
const LOOK_MS = 250;
/** How often they look after jobs whose process is gone, which may hold the places. */
const SWEEP_MS = 5_000;

/** How often the record of one that waits says that it still does. */
const STILL_WAITING_MS = 60_000;

/** Why an order has not been sent yet. `until` in epoch milliseconds, an estimate for a place. */
export type Hold = { reason: 'place' | 'permit'; until: number };

export type SubmissionParts = {
  board: JobBoard;
  gate: JobGate;
  provider: ImageProvider;
  clock: Clock;
  processes: Processes;
  /** Looks after jobs whose process is gone. */
  sweep: () => Promise<void>;
  /** Never rejects. */
  onSubmission?: (() => Promise<void>) | undefined;
};

export type SubmissionTerms = {
  /** Ends the sending as it stands: the server is ending. */
  life: AbortSignal;
  /** Takes an order back that has not been sent. */
  withdrawal: AbortSignal;
  /** For how long the service is taken to know a key. */
  resendWindowMs: number;
  /** From here on it cannot be taken back. */
  onSending: () => void;
  onHold: (hold: Hold | undefined) => void;
};

/** @returns the job after the service's answer, or after what stood in the way */
export async function submit(job: Job, parts: SubmissionParts, terms: SubmissionTerms): Promise<Job> {
  const { board, provider, clock, processes } = parts;
  const wasOpen = job.state === 'submitting';
  const waiting = AbortSignal.any([terms.life, terms.withdrawal]);
  let sent = false;
  try {
    if (wasOpen && keyIsTooOld(job.createdAt, clock.now(), terms.resendWindowMs)) throw new FluxError(KEY_TOO_OLD);
    await awaitPlace(job, parts, waiting, terms.onHold);
    await parts.onSubmission?.();
    waiting.throwIfAborted();
    // Withdrawn while it waits for a permit: from the mark on only the end of the server ends it.
    const signal = new AbortController();
    const stop = (): void => signal.abort(waiting.reason);
    waiting.addEventListener('abort', stop, { once: true });
    const remote = await provider.submit(job.request, job.idempotencyKey, {
      // The wait for a place, or the sleep of the whole machine, may have been long.
      beforeTry: () => {
        if ((wasOpen || sent) && keyIsTooOld(job.createdAt, clock.now(), terms.resendWindowMs))
          throw new FluxError(KEY_TOO_OLD);
      },
      signal: AbortSignal.any([terms.life, signal.signal]),
      ...(job.webhookUrl === undefined ? {} : { webhookUrl: job.webhookUrl }),
      // A later try waits for a permit, too; the order has been sent by then.
      onWait: (until) => {
        if (!sent) terms.onHold({ reason: 'permit', until });
      },
      beforeSending: async () => {
        terms.onSending();
        terms.onHold(undefined);
        waiting.removeEventListener('abort', stop);
        const marked = await board.apply(job.id, { type: 'sending', owner: processes.self() });
        if (marked.state !== 'submitting' || !isSameOwner(marked.owner, processes.self())) throw new FluxError(TAKEN);
        sent = true;
      },
    });
    return await board.apply(job.id, { type: 'observed', remote, at: clock.now() });
  } catch (error) {
    if (terms.life.aborted) {
      if (!sent && !wasOpen) await board.apply(job.id, { type: 'unsent', failure: UNSENT, at: clock.now() });
      throw error;
    }
    const failure = terms.withdrawal.aborted && !sent ? WITHDRAWN : failureOf(error, unforeseen(error));
    if (failure === TAKEN) return board.get(job.id);
    if (failure === KEY_TOO_OLD) return board.apply(job.id, { type: 'doubtful', failure });
    const verdict = wasOpen ? stillOpen(failure) : failure;
    // Only a job that cost nothing for certain may end here: everything else stays open under its own key.
    if (verdict.creditsSpent !== 'no') return board.apply(job.id, { type: 'hindered', failure: verdict });
    return board.apply(job.id, { type: 'failed', failure: verdict, at: clock.now(), by: processes.self() });
  } finally {
    terms.onHold(undefined);
  }
}

async function awaitPlace(
  job: Job,
  { board, gate, clock, processes, sweep }: SubmissionParts,
  signal: AbortSignal,
  onHold: SubmissionTerms['onHold'],
): Promise<void> {
  let sweptAt = Number.NEGATIVE_INFINITY;
  let toldAt = clock.monotonic();
  for (;;) {
    signal.throwIfAborted();
    const answer = await gate.place(job.id);
    if (answer.taken) {
      // Another process took it for one that had died before it was recorded: nobody reserves its price any more.
      if (answer.absent && job.state === 'queued') throw new FluxError(UNSENT);
      return;
    }
    const now = clock.now();
    const runningSeconds = answer.oldestAt === undefined ? 0 : (now - answer.oldestAt) / 1_000;
    onHold({ reason: 'place', until: now + placeWaitSeconds(answer.ahead, runningSeconds) * 1_000 });
    if (clock.monotonic() - sweptAt > SWEEP_MS) {
      sweptAt = clock.monotonic();
      await sweep();
    }
    if (job.state === 'queued' && clock.monotonic() - toldAt > STILL_WAITING_MS) {
      toldAt = clock.monotonic();
      await board.apply(job.id, { type: 'waiting', owner: processes.self() });
    }
    await clock.sleep(LOOK_MS * (0.75 + 0.5 * clock.random()), signal);
  }
}

/** A record that says that nothing has left, and nobody who would send it any more. */
export const UNSENT: Failure = {
  kind: 'unreachable',
  message: 'The server that was to send this order ended before it did, or was taken for ended; nothing was sent.',
  creditsSpent: 'no',
  retry: 'later',
  remedy: 'Call generate_image again if the picture is still wanted.',
};

/** Another process has taken the job over, or closed it, before this one sent anything. */
const TAKEN: Failure = {
  kind: 'ambiguous',
  message: 'Another process carries this order on.',
  creditsSpent: 'maybe',
  retry: 'same_job',
};

/** Its key may be forgotten by the service: sent once more it could be another order. */
const KEY_TOO_OLD: Failure = {
  kind: 'ambiguous',
  message: 'Whether the service took this order is not known, and it is too old to be sent again under its key.',
  creditsSpent: 'maybe',
  retry: 'no',
  remedy: "Ask the user to look at the account at Doitong; order the picture anew only with the user's consent.",
};

const WITHDRAWN: Failure = {
  kind: 'rate_limited',
  message: 'The call was cancelled while the order waited to be sent, so it was taken back.',
  creditsSpent: 'no',
  retry: 'later',
  remedy: 'Call generate_image again if the picture is still wanted.',
};

/**
 * What a refusal means for an order that was sent before and left open: it does not prove that the earlier try cost
 * nothing. Only an answer that holds the job closes it.
 */
function stillOpen(failure: Failure): Failure {
  if (failure.creditsSpent !== 'no') return failure;
  return {
    ...failure,
    kind: 'ambiguous',
    message: `An earlier try of this order may have been carried out. The last answer: ${failure.message}`,
    creditsSpent: 'maybe',
    retry: 'same_job',
  };
}

function unforeseen(error: unknown): Pick<Failure, 'message' | 'creditsSpent' | 'retry'> {
  const name = error instanceof Error ? error.name : typeof error;
  return {
    message: `The request for the picture ended in an unforeseen error (${name}).`,
    creditsSpent: 'maybe',
    retry: 'same_job',
  };
}
