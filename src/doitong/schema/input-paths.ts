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

/** What stands at this place; `undefined` when there is no such place. */
export function valueAt(value: InputObject, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (isInputObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), value);
}

/** The input with each plain value changed, without those that become `undefined`, and without objects that are emptied. */
export function changeLeaves(
  value: InputObject,
  change: (path: string, leaf: unknown) => unknown,
  prefix = '',
): Record<string, unknown> {
  const left = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const path = joinPath(prefix, name);
    const after = isInputObject(inner) ? changeLeaves(inner, change, path) : change(path, inner);
    const isEmptied =
      isInputObject(after) && Object.keys(after).length === 0 && Object.keys(inner as object).length > 0;
    return after === undefined || isEmptied ? [] : [[name, after]];
  });
  return Object.fromEntries(left);
}

/** The input with its webhook address among the options instead of next to them: where it goes is not documented. */
export function withWebhookInOptions(value: InputObject): Record<string, unknown> {
  const { webhookUrl, options, ...rest } = value;
  return { ...rest, options: { ...(isInputObject(options) ? options : {}), webhookUrl } };
}
