/** The arguments of a call as they arrive: how much is read of them. */

/** The arguments of tools need three levels. */
const DEPTH_MAX = 32;
/** Fifty pictures with all their arguments have a few hundred values. */
const VALUES_MAX = 2_000;

/** What there is too much of, as words that follow "there are". Stops at the first excess, and does not recurse. */
export function excessOf(params: unknown): string | undefined {
  let level = [params];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) return `more than ${DEPTH_MAX} levels of nesting`;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
    count += level.length;
    if (count > VALUES_MAX) return `more than ${VALUES_MAX} values`;
  }
  return undefined;
}
