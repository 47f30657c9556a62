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
  return { ...NONE, ids: idsOfRefused(value) };
}

/** A batch where there are none: each entry that has an id is refused by it; with no such entry, the batch is. */
function idsOfRefused(batch: readonly unknown[]): unknown[] {
  const entries = batch.filter(isObject);
  const ids = entries.filter((entry) => !isAnswer(entry)).map(usableId);
  const known = ids.filter((id) => id !== null);
  const answers = entries.filter((entry) => isAnswer(entry) && (usableId(entry) !== null || isErrorToNobody(entry)));
  return known.length + answers.length === 0 ? [null] : known;
}

const isAnswer = (value: Record<string, unknown>): boolean =>
  !Object.hasOwn(value, 'method') && (Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error'));

/** JSON-RPC allows an error without an id, about what could not be read. */
function isErrorToNobody({ jsonrpc, id, error }: Record<string, unknown>): boolean {
  return (
    jsonrpc === '2.0' &&
    id === undefined &&
    isObject(error) &&
    Number.isInteger(error.code) &&
    typeof error.message === 'string'
  );
}

function ofMessage(value: unknown): Expected {
  if (!isObject(value)) return { ...NONE, ids: [null] };
  if (!Object.hasOwn(value, 'method')) {
    return isAnswer(value) ? NONE : { ...NONE, ids: [usableId(value)] };
  }
  const params = isObject(value.params) ? value.params : {};
  if (!Object.hasOwn(value, 'id')) {
    if (typeof value.method !== 'string') return { ...NONE, ids: [null] };
    return value.method === 'notifications/cancelled' ? { ...NONE, cancelled: [params.requestId] } : NONE;
  }
  const isOrder = value.method === 'tools/call' && String(params.name).startsWith('generate_image');
  return { ids: [usableId(value)], orders: isOrder ? textsIn(params.arguments) : [], cancelled: [] };
}

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
