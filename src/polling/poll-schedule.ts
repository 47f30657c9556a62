/** When to ask for a job's status next: the schedules for jobs of which nothing has been learnt. */

const FIRST_MS = 1_500;
const FACTOR = 1.5;
const CAP_MS = 10_000;
const JITTER = 0.2;

/** An event comes within seconds of the end of its job, most of them in the first minute. */
const FALLBACK_FIRST_MS = 30_000;
const FALLBACK_MS = 60_000;
/** Long enough for the pauses of a day's work; whoever changes a tunnel or a proxy needs longer to notice anything. */
const EVIDENCE_FOR_MS = 3 * 60 * 60_000;

/** Milliseconds to wait before poll number `poll` (counted from 1); `random` in [0, 1) spreads it by ±20 %. */
export function pollDelayMs(poll: number, random: number): number {
  return spread(Math.min(CAP_MS, FIRST_MS * FACTOR ** (poll - 1)), random);
}

/** The same for a job whose end an event will report: a fallback for events that are lost. */
export function fallbackDelayMs(poll: number, random: number): number {
  return spread(poll === 1 ? FALLBACK_FIRST_MS : FALLBACK_MS, random);
}

/**
 * Whether events arrive here at present. Times are epoch milliseconds of a clock that may have been set back.
 * @param lastEventAt of any job
 * @param missedAt when a job was last found at its end by polling, which an event should have reported
 */
export function eventsArrive(now: number, lastEventAt: number | undefined, missedAt: number | undefined): boolean {
  if (lastEventAt === undefined || Math.abs(now - lastEventAt) > EVIDENCE_FOR_MS) return false;
  return missedAt === undefined || missedAt < lastEventAt;
}

function spread(delayMs: number, random: number): number {
  return delayMs * (1 - JITTER + 2 * JITTER * random);
}
