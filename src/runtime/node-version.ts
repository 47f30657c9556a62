/** Checks the version of Node, in syntax that old versions can read: they should report the problem, not crash. */

/** As package.json says under `engines`. */
const NODE_MIN: readonly number[] = [20, 18, 1];

/** @param version with or without its `v`. @returns what is wrong with it, as a sentence */
export function nodeProblem(version: string): string | undefined {
  const pieces = version.replace(/^v/, '').split('.').map(Number);
  for (let at = 0; at < NODE_MIN.length; at += 1) {
    const least = NODE_MIN[at] as number;
    const part = pieces[at] as number;
    if (part > least) return undefined;
    if (part !== least) return `Node.js ${NODE_MIN.join('.')} or newer is needed, and this is ${version}`;
  }
  return undefined;
}
