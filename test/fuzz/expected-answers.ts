/**
 * Which answers a line of input must get, by JSON-RPC 2.0 and the protocol alone: written without a look at how the
 * program reads lines.
 */

export type Expected = {
  /** The ids of all answers; `null` for an error about what has no id that can be repeated. */
  ids: readonly unknown[];
  /** Texts of requests that ask for pictures: nothing else may ever be charged. */
  orders: readonly string[];
  /** Ids of requests that are cancelled: they may be answered or not. */
  cancelled: readonly unknown[];
};

const NONE: Expected = { ids: [], orders: [], cancelled: [] };

export function expectedAnswers(line: Uint8Array, hasBatches: boolean): Expected {
  const text = new TextDecoder().decode(line);
  if (text.trim() === '') return NONE;
  const value = parsed(text);
  if (!isUtf8(line)) {
    const id = isObject(value) && 'method' in value ? usableId(value) : null;
    return { ...NONE, ids: [id] };
  }
  if (value === undefined) return { ...NONE, ids: [null] };
  if (!Array.isArray(value)) return ofMessage(value);
  const entries = value.map(ofMessage);
  if (hasBatches && entries.length > 0)
    return {
      ids: entries.flatMap(({ ids }) => ids),
      orders: entries.flatMap(({ orders }) => orders),
      cancelled: entries.flatMap(({ cancelled }) => cancelled),
    };
  return {
    ...NONE,
    ids: value
      .filter(isRequest)
      .map(usableId)
      .concat(value.some(isRequest) ? [] : [null]),
  };
}

function ofMessage(value: unknown): Expected {
  if (!isObject(value)) return { ...NONE, ids: [null] };
  if (!Object.hasOwn(value, 'method')) {
    const isResponse = Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error');
    return isResponse ? NONE : { ...NONE, ids: [usableId(value)] };
  }
  const params = isObject(value.params) ? value.params : {};
  if (!Object.hasOwn(value, 'id')) {
    if (typeof value.method !== 'string') return { ...NONE, ids: [null] };
    return value.method === 'notifications/cancelled' ? { ...NONE, cancelled: [params.requestId] } : NONE;
  }
  const isOrder = value.method === 'tools/call' && String(params.name).startsWith('generate_image');
  return { ids: [usableId(value)], orders: isOrder ? textsIn(params.arguments) : [], cancelled: [] };
}

/** A request in the sense of the protocol: every part is of the right type. */
function isRequest(value: unknown): value is Record<string, unknown> {
  if (!isObject(value) || value.jsonrpc !== '2.0' || typeof value.method !== 'string') return false;
  const { id } = value;
  const hasId = typeof id === 'string' || Number.isSafeInteger(id);
  const hasMore = Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error');
  const meta = isObject(value.params) ? value.params._meta : undefined;
  const isMeta = meta === undefined || (isObject(meta) && isToken(meta.progressToken));
  return hasId && !hasMore && isMeta && (!Object.hasOwn(value, 'params') || isObject(value.params));
}

const isToken = (token: unknown): boolean =>
  token === undefined || typeof token === 'string' || Number.isSafeInteger(token);

function usableId({ id }: Record<string, unknown>): unknown {
  if (typeof id === 'string') return id;
  return typeof id === 'number' && Math.abs(id) <= Number.MAX_SAFE_INTEGER ? id : null;
}

/** Every text in a value, also in texts that are JSON themselves. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    const inner = parsed(value);
    return [value, ...(typeof inner === 'object' ? textsIn(inner) : [])];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
