/** Reads input as JSON-RPC 2.0 in one protocol era: what goes to the server, what is refused in words or ignored. */
import { isUtf8 } from 'node:buffer';
import type { JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestId } from '@modelcontextprotocol/server';
import {
  CLIENT_CAPABILITIES_META_KEY,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  PROTOCOL_VERSION_META_KEY,
  ProtocolErrorCode,
  SUPPORTED_PROTOCOL_VERSIONS,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/server';
import { attempt } from '../core/primitives.ts';
import { cleanLine, fenced } from '../core/untrusted-text.ts';

/** `id` is `null` where the message had none that can be repeated. */
export type Refusal = {
  jsonrpc: '2.0';
  id: RequestId | null;
  error: { code: number; message: string; data?: unknown };
};

export type Reading =
  | { kind: 'request'; message: JSONRPCRequest }
  | { kind: 'notification'; message: JSONRPCNotification }
  | { kind: 'response'; message: JSONRPCResponse }
  | { kind: 'refused'; message: Refusal }
  | { kind: 'ignored'; reason: string };

/**
 * @param bytes without the line's end
 * @param asked the ids of questions that are not answered yet
 * @returns an array for a batch, and an empty one for a blank line
 */
export function readLine(bytes: Uint8Array, asked: ReadonlySet<RequestId>): Reading | readonly Reading[] {
  // A byte order mark is dropped by the decoder, before whichever line a writer has put it.
  const text = new TextDecoder().decode(bytes);
  const value = attempt((): unknown => JSON.parse(text));
  if (!isUtf8(bytes)) {
    const id = isObject(value) && Object.hasOwn(value, 'method') ? repeatable(value.id) : null;
    return refused(refusal(id, ProtocolErrorCode.ParseError, 'Parse error: the line is not UTF-8.'));
  }
  if (text.trim() === '') return [];
  const notJson = 'Parse error: the line is not complete JSON. Each message is one line of JSON.';
  if (value === undefined) return refused(refusal(null, ProtocolErrorCode.ParseError, notJson));
  if (!Array.isArray(value)) return readMessage(value, asked);
  if (value.length === 0) return invalidReading(null, 'the batch is empty');
  return value.map((entry) => readMessage(entry, asked));
}

export function refusal(id: RequestId | null, code: number, message: string, data?: unknown): Refusal {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } };
}

export function invalid(id: RequestId | null, reason: string): Refusal {
  return refusal(id, ProtocolErrorCode.InvalidRequest, `Invalid request: ${reason}.`);
}

const refused = (message: Refusal): Reading => ({ kind: 'refused', message });

const invalidReading = (id: RequestId | null, reason: string): Reading => refused(invalid(id, reason));

function readMessage(value: unknown, asked: ReadonlySet<RequestId>): Reading {
  if (!isObject(value)) return invalidReading(null, 'a message is a JSON object');
  if (Object.hasOwn(value, 'method')) return Object.hasOwn(value, 'id') ? readRequest(value) : readNotification(value);
  const id = repeatable(value.id);
  // An error about what may have been an answer could be answered with an error, without an end.
  const mayAnswer = Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error') || (id !== null && asked.has(id));
  return mayAnswer ? readResponse(value) : invalidReading(id, 'it has no method');
}

function readRequest(value: Record<string, unknown>): Reading {
  const id = repeatable(value.id);
  const { jsonrpc, method, params } = value;
  if (jsonrpc !== '2.0') return invalidReading(id, 'jsonrpc must be "2.0"');
  if (typeof method !== 'string') return invalidReading(id, 'method must be a string');
  if (id === null || (typeof id === 'number' && !Number.isInteger(id)))
    return invalidReading(id, 'id must be a string or a whole number of at most 2^53 - 1');
  if (Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error'))
    return invalidReading(id, 'a request has neither result nor error');
  if (params !== undefined && !isObject(params)) return invalidReading(id, 'params must be an object, or absent');
  const message = { jsonrpc, id, method, ...(params && { params }) };
  if (isJSONRPCRequest(message)) return { kind: 'request', message };
  const wrongMeta = 'Invalid params: params._meta must be an object, and its progressToken text or a whole number.';
  return refused(refusal(id, ProtocolErrorCode.InvalidParams, wrongMeta));
}

/** Never answered, whatever is wrong with its params. */
function readNotification({ jsonrpc, method, params }: Record<string, unknown>): Reading {
  if (typeof method !== 'string') return invalidReading(null, 'method must be a string');
  const message = { jsonrpc, method, ...(params !== undefined && { params }) };
  if (isJSONRPCNotification(message)) return { kind: 'notification', message };
  const reason = `the notification ${fenced(method, 200)} is not valid JSON-RPC 2.0, or its params are not an object`;
  return { kind: 'ignored', reason };
}

function readResponse(value: Record<string, unknown>): Reading {
  const known = Object.entries(value).filter(([name]) => ['jsonrpc', 'id', 'result', 'error'].includes(name));
  const message: unknown = Object.fromEntries(known);
  if (isJSONRPCResponse(message)) return { kind: 'response', message };
  const id = repeatable(value.id);
  const reason = 'an answer is not valid JSON-RPC 2.0';
  if (id === null) return { kind: 'ignored', reason };
  // Whoever asked would wait in vain for another answer.
  const error = { code: ProtocolErrorCode.InvalidRequest, message: reason };
  return { kind: 'response', message: { jsonrpc: '2.0', id, error } };
}

/** An id that an error can carry without loss: beyond 2^53 two numbers of the wire become one. */
function repeatable(id: unknown): RequestId | null {
  if (typeof id === 'string') return id;
  return typeof id === 'number' && Math.abs(id) <= Number.MAX_SAFE_INTEGER ? id : null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The revisions whose requests name their protocol version each. */
const SUPPORTED = ['2026-07-28'];

/**
 * Keeps a connection in the protocol era that its requests have chosen, where the SDK does not yet: decision record
 * 0014 says what it would have to do.
 */
export class EraGuard {
  /** Whether a request has chosen the era: a notification does not. */
  isChosen = false;
  /** What the handshake of the earlier eras has agreed on. */
  agreedVersion: string | undefined;

  agree(version: string): void {
    this.isChosen = true;
    this.agreedVersion = version;
  }

  /** @returns the refusal of a request that names a version which is not served; `undefined` when it may pass */
  check({ id, method, params }: JSONRPCRequest): Refusal | undefined {
    const version: unknown = params?._meta?.[PROTOCOL_VERSION_META_KEY];
    const isServed = SUPPORTED.some((served) => served === version);
    const opens = method === 'initialize' && SUPPORTED_PROTOCOL_VERSIONS.some((known) => known === version);
    if (typeof version === 'string' && !isServed && version !== this.agreedVersion && !opens) {
      const requested = cleanLine(version.slice(0, 200), 40);
      const { code, message, data } = new UnsupportedProtocolVersionError({ supported: SUPPORTED, requested });
      return refusal(id, code, message, data);
    }
    // A client that has only asked what there is may still choose. What the SDK refuses decides nothing either.
    const isModern =
      isServed && method !== 'server/discover' && isObject(params?._meta?.[CLIENT_CAPABILITIES_META_KEY]);
    this.isChosen ||= version === undefined || opens || isModern;
    return undefined;
  }
}
