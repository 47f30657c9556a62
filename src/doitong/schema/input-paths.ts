/** Names the places inside an input by dotted paths (`options.quality`), and takes out or moves what stands there. */

export type InputObject = Readonly<Record<string, unknown>>;

export function isInputObject(value: unknown): value is InputObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const joinPath = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** The places below `prefix` that hold plain values; `prefix` itself when it holds one. */
export function leafPaths(value: unknown, prefix = ''): string[] {
  if (!isInputObject(value)) return [prefix];
  return Object.entries(value).flatMap(([name, inner]) => leafPaths(inner, joinPath(prefix, name)));
}

/** The input without these places, and without objects that hold nothing any more. */
export function withoutPaths(value: InputObject, paths: readonly string[], prefix = ''): Record<string, unknown> {
  const left = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const path = joinPath(prefix, name);
    if (paths.includes(path)) return [];
    if (!isInputObject(inner)) return [[name, inner]];
    const rest = withoutPaths(inner, paths, path);
    return Object.keys(rest).length === 0 && Object.keys(inner).length > 0 ? [] : [[name, rest]];
  });
  return Object.fromEntries(left);
}

/** The input with its webhook address among the options instead of beside them: where it goes is not documented. */
export function withWebhookInOptions(value: InputObject): Record<string, unknown> {
  const { webhookUrl, options, ...rest } = value;
  return { ...rest, options: { ...(isInputObject(options) ? options : {}), webhookUrl } };
}
