/** The least number of polls for one job when its distribution is known, by dynamic programming over their times. */

const STEP_MS = 100;
const SAMPLES_KEPT = 20_000;

type Policy = { polls: number; medianDelayMs: number };

/**
 * Expected polls for each job under the best schedule whose median delay is no longer than `medianMs`. The schedule
 * weighs polls against delays; the weight is found by bisection. No schedule that is fixed beforehand needs fewer.
 * @param durationsMs draws from the very distribution; the answer to a poll takes `answerMs` more
 */
export function bestPossible(durationsMs: readonly number[], medianMs: number, answerMs: number): Policy {
  const ends = durationsMs.slice(0, SAMPLES_KEPT).toSorted((a, b) => a - b);
  let [cheap, expensive] = [1e-6, 10];
  let best: Policy = { polls: Number.POSITIVE_INFINITY, medianDelayMs: 0 };
  for (let step = 0; step < 30; step += 1) {
    const weight = Math.sqrt(cheap * expensive);
    const policy = play(scheduleFor(ends, weight), ends, answerMs);
    if (policy.medianDelayMs <= medianMs) {
      if (policy.polls < best.polls) best = policy;
      expensive = weight;
    } else cheap = weight;
  }
  return best;
}

/** Times of polls that cost least: one for each poll that is made, and `weight` for each second of delay. */
function scheduleFor(ends: readonly number[], weight: number): number[] {
  const last = Math.ceil((ends.at(-1) ?? 0) / STEP_MS) + 1;
  // How many are finished by each step, and the sum of their ends.
  const count = new Array<number>(last + 1).fill(0);
  const sum = new Array<number>(last + 1).fill(0);
  let at = 0;
  let total = 0;
  for (let step = 0; step <= last; step += 1) {
    for (; at < ends.length && (ends[at] ?? 0) <= step * STEP_MS; at += 1) total += ends[at] ?? 0;
    count[step] = at;
    sum[step] = total;
  }
  const cost = new Array<number>(last + 1).fill(0);
  const next = new Array<number>(last + 1).fill(last);
  for (let from = last - 1; from >= 0; from -= 1) {
    const seen = count[from] ?? 0;
    const open = ends.length - seen;
    let least = Number.POSITIVE_INFINITY;
    for (let to = from + 1; to <= last; to += 1) {
      const found = (count[to] ?? 0) - seen;
      const delayS = (found * to * STEP_MS - ((sum[to] ?? 0) - (sum[from] ?? 0))) / 1_000;
      const whole = open + weight * delayS + (cost[to] ?? 0);
      if (whole < least) {
        least = whole;
        next[from] = to;
      }
    }
    cost[from] = open === 0 ? 0 : least;
  }
  const times: number[] = [];
  for (let step = next[0] ?? last; ; step = next[step] ?? last) {
    times.push(step * STEP_MS);
    if (step >= last) return times;
  }
}

function play(times: readonly number[], ends: readonly number[], answerMs: number): Policy {
  const delays: number[] = [];
  let polls = 0;
  for (const endMs of ends) {
    const made = times.findIndex((atMs) => atMs >= endMs);
    polls += made + 1;
    delays.push((times[made] ?? endMs) - endMs + answerMs);
  }
  delays.sort((a, b) => a - b);
  return { polls: polls / ends.length, medianDelayMs: delays[Math.floor(delays.length / 2)] ?? 0 };
}
