/**
 * Decides whom a listener may answer, by Host and Origin: a page in a browser can reach every port of its machine, and by
 * a name of its own that leads there (DNS rebinding) it can read the answers.
 */

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/u;
const ADDRESS = /^(?:\[.+\]|\d{1,3}(?:\.\d{1,3}){3})$/u;

type AllowedCallers = {
  /** Host names apart from those of the loopback interface, as a URL writes them. */
  hosts: readonly string[];
  /** Whether any IP address may be called by: nobody's name leads to one. */
  addresses: boolean;
};

/**
 * @param rawHeaders names and values in turn, as they came
 * @returns what is wrong; `undefined` for a caller that may be answered
 */
export function callerProblem(rawHeaders: readonly string[], allowed: AllowedCallers): string | undefined {
  const valuesOf = (name: string): string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const [host, ...more] = valuesOf('host');
  const name = HOST.exec(host?.toLowerCase() ?? '')?.[1];
  if (name === undefined || more.length > 0) return 'it has not exactly one Host that can be read';
  const isKnown = LOOPBACK_NAMES.includes(name) || allowed.hosts.includes(name);
  if (!isKnown && !(allowed.addresses && ADDRESS.test(name))) return `its Host is ${name}`;
  return valuesOf('origin').length > 0 ? 'it has an Origin: it comes from a browser' : undefined;
}
