/** Amounts, durations and times as people say them. */

export const grouped = (amount: number): string => amount.toLocaleString('en-US');

/** "17 s", "12 minutes", "9 hours", "2 days". */
export function lasting(seconds: number): string {
  if (seconds < 120) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 2 * 3_600) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3_600)} hours` : `${Math.round(seconds / 86_400)} days`;
}

/** "in 17 s", "in about 9 hours, at 02:00 UTC". @param now epoch milliseconds; without it, the time of day is not said */
export function whenText(seconds: number, now?: number): string {
  if (seconds < 120) return `in ${lasting(seconds)}`;
  const at = now === undefined || seconds < 3_600 ? '' : `, at ${minuteOf(now + 1_000 * seconds).slice(11)}`;
  return `in about ${lasting(seconds)}${at}`;
}

/** "2026-11-28 14:05 UTC". */
export function minuteOf(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
