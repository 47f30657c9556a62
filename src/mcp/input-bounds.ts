/** Limits the depth and the size of a request before anything walks through it. */

/** The tools need three levels. */
const DEPTH_MAX = 32;
/** Fifty pictures with all their arguments have a few hundred values. */
const VALUES_MAX = 10_000;

/** What is too much, as words that follow "there are". Stops at the first excess, and does not recurse. */
export function boundsProblem(value: unknown): string | undefined {
  const open: [value: unknown, depth: number][] = [[value, 0]];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [current, depth] = next;
    if (typeof current !== 'object' || current === null) continue;
    if (depth > DEPTH_MAX) return `more than ${DEPTH_MAX} levels of nesting`;
    for (const key in current) {
      count += 1;
      if (count > VALUES_MAX) return `more than ${VALUES_MAX} values`;
      if (Object.hasOwn(current, key)) open.push([(current as Record<string, unknown>)[key], depth + 1]);
    }
  }
  return undefined;
}
