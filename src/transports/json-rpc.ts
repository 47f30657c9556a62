/** Reads one line of input as JSON-RPC 2.0: what goes to the server, what is refused in words, and what is ignored. */
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import { fenced } from '../core/untrusted-text.ts';

/** `null` where the message had no id that can be repeated. */
export type RefusedId = string | number | null;

export type Refusal = {
  jsonrpc: '2.0';
  id: RefusedId;
  error: { code: number; message: string; data?: unknown };
};

export type Refused = { kind: 'refused'; response: Refusal; hasNoMethod?: true };

/** `note` names the members that JSON-RPC does not have. */
export type Reading =
  | { kind: 'request'; message: JSONRPCRequest; note?: string }
  | { kind: 'notification'; message: JSONRPCNotification; note?: string }
  | { kind: 'response'; message: JSONRPCResponse }
  | Refused
  | { kind: 'ignored'; reason: string };

/** A batch has at least one entry. */
export type LineReading = Reading | { kind: 'batch'; entries: readonly Reading[] } | { kind: 'blank' };

const MEMBERS = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
const NAMES_SHOWN = 3;

/** @param bytes without the line's end */
export function readLine(bytes: Uint8Array): LineReading {
  // A byte order mark is dropped by the decoder, before whichever line a writer has put it.
  const text = decoded(bytes, true);
  if (text === undefined) return refused(idIn(decoded(bytes, false)), ProtocolErrorCode.ParseError, NOT_UTF8);
  if (text.trim() === '') return { kind: 'blank' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(null, ProtocolErrorCode.ParseError, NOT_JSON);
  }
  if (!Array.isArray(value)) return readMessage(value);
  if (value.length === 0) return invalid(null, 'the batch is empty');
  return { kind: 'batch', entries: value.map(readMessage) };
}

const NOT_JSON = 'Parse error: the line is not a whole JSON text. Each message is one line of JSON.';
const NOT_UTF8 = 'Parse error: the line is not UTF-8.';

export function refused(id: RefusedId, code: number, message: string, data?: unknown): Refused {
  const error = { code, message, ...(data !== undefined && { data }) };
  return { kind: 'refused', response: { jsonrpc: '2.0', id, error } };
}

export function invalid(id: RefusedId, reason: string): Refused {
  return refused(id, ProtocolErrorCode.InvalidRequest, `Invalid request: ${reason}.`);
}

function readMessage(value: unknown): Reading {
  if (!isObject(value)) return invalid(null, 'a message is a JSON object');
  if (Object.hasOwn(value, 'method')) {
    const reading = Object.hasOwn(value, 'id') ? readRequest(value) : readNotification(value);
    const strangers = Object.keys(value).filter((name) => !MEMBERS.has(name));
    if (!('message' in reading) || strangers.length === 0) return reading;
    const shown = strangers.slice(0, NAMES_SHOWN).map((name) => fenced(name.slice(0, 1_000), 200));
    return { ...reading, note: shown.join(', ') };
  }
  // An error about what may have been an answer could be answered with an error, without an end.
  if (Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error')) return readResponse(value);
  return { ...invalid(repeatable(value.id), 'it has no method'), hasNoMethod: true };
}

/** What has a method is never an answer. */
type Called = Exclude<Reading, { kind: 'response' }>;

function readRequest(value: Record<string, unknown>): Called {
  const id = repeatable(value.id);
  if (value.jsonrpc !== '2.0') return invalid(id, 'jsonrpc must be "2.0"');
  if (typeof value.method !== 'string') return invalid(id, 'method must be text');
  if (id === null) return invalid(null, 'id must be text or a whole number of at most 2^53 - 1');
  if (typeof id === 'number' && !Number.isInteger(id)) return invalid(id, 'id must be text or a whole number');
  if (Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error'))
    return invalid(id, 'a request has neither result nor error');
  if (Object.hasOwn(value, 'params') && !isObject(value.params))
    return invalid(id, 'params must be an object, or absent');
  const { method, params } = value;
  const message = { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) };
  if (isJSONRPCRequest(message)) return { kind: 'request', message };
  return refused(
    id,
    ProtocolErrorCode.InvalidParams,
    'Invalid params: params._meta must be an object, and its progressToken text or a whole number.',
  );
}

/** Never answered, whatever is wrong with it. */
function readNotification(value: Record<string, unknown>): Called {
  if (typeof value.method !== 'string') return invalid(null, 'method must be text');
  const { jsonrpc, method, params } = value;
  const message = { jsonrpc, method, ...(params === undefined ? {} : { params }) };
  if (isJSONRPCNotification(message)) return { kind: 'notification', message };
  return { kind: 'ignored', reason: 'a notification is not valid JSON-RPC 2.0, or its params are not an object' };
}

/** What cannot be read still answers its request: whoever asked would wait in vain for another answer. */
function readResponse(value: Record<string, unknown>): Reading {
  const known = Object.entries(value).filter(([name]) => ['jsonrpc', 'id', 'result', 'error'].includes(name));
  const message: unknown = Object.fromEntries(known);
  if (isJSONRPCResponse(message)) return { kind: 'response', message };
  const answered = repeatable(value.id);
  return answered === null ? { kind: 'ignored', reason: NO_ANSWER } : unreadableAnswer(answered);
}

const NO_ANSWER = 'an answer is not valid JSON-RPC 2.0';

export function unreadableAnswer(id: string | number): Reading {
  const error = { code: ProtocolErrorCode.InvalidRequest, message: NO_ANSWER };
  return { kind: 'response', message: { jsonrpc: '2.0', id, error } };
}

/** An id that an error can carry without loss: beyond 2^53 two numbers of the wire become one. */
function repeatable(id: unknown): RefusedId {
  if (typeof id === 'string') return id;
  return typeof id === 'number' && Math.abs(id) <= Number.MAX_SAFE_INTEGER ? id : null;
}

/** The id in a text that seems to be a request. */
function idIn(text: string | undefined): RefusedId {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) && Object.hasOwn(value, 'method') ? repeatable(value.id) : null;
  } catch {
    return null;
  }
}

function decoded(bytes: Uint8Array, fatal: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal }).decode(bytes);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
