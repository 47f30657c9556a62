// Owns what the sandbox takes of a request before it does anything: where it leads, its caller, key and body; and the log.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './answer.ts';
import type { ScenarioName } from './scenarios/sentences.ts';

export type SandboxOperation = 'generate' | 'generateImage' | 'status' | 'introspection' | 'picture' | 'rest' | 'other';

export type LoggedRequest = {
  /** Epoch milliseconds of its arrival. */
  at: number;
  method: string;
  path: string;
  operation: SandboxOperation;
  idempotencyKey?: string | undefined;
  /** 0 while there is no answer yet, and for good where a scenario destroys the connection instead. */
  httpStatus: number;
  /** The scenario that spoilt this request or its answer. */
  fault?: ScenarioName;
};

/** The group of a path is the id of a job. */
const ROUTES = [
  { to: 'graphql', path: /^\/graphql$/, operation: 'other' },
  { to: 'order', path: /^\/v1\/text_to_image$/, operation: 'rest' },
  { to: 'job', path: /^\/v1\/text_to_image\/([\w-]+)$/, operation: 'status' },
  { to: 'picture', path: /^\/outputs\/([\w-]+)\.jpg$/, operation: 'picture' },
  { to: 'state', path: /^\/sandbox\/state$/, operation: 'other' },
  { to: 'nothing', path: /^/, operation: 'other' },
] as const;

export type Arrival = ReturnType<typeof arrivalOf>;

/** A request, where it leads, and its entry for the log; `id` is empty where the path names no job. */
export function arrivalOf(request: IncomingMessage, at: number) {
  const [path = '/', query] = request.url?.split('?', 2) ?? [];
  const { to, operation, path: form } = ROUTES.find((known) => known.path.test(path)) ?? ROUTES[5];
  const idempotencyKey = [request.headers['idempotency-key']].flat()[0] || undefined;
  const { method = 'GET' } = request;
  const entry: LoggedRequest = { at, method, path, operation, idempotencyKey, httpStatus: 0 };
  return { request, to, id: form.exec(path)?.[1] ?? '', query: new URLSearchParams(query), entry };
}

const HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * A page in a browser can reach every port of its machine, and read the answers by a name that leads there.
 * @throws Refusal of code FORBIDDEN for a foreign Host or Origin
 */
export function checkCaller({ headersDistinct: { host = [], origin = [] } }: IncomingMessage): void {
  if (host.length !== 1 || !HOST.test(host.join()))
    throw new Refusal(403, 'FORBIDDEN', 'The sandbox answers to the hosts localhost, 127.0.0.1 and [::1] alone');
  if (!origin.every((one) => ORIGIN.test(one)))
    throw new Refusal(403, 'FORBIDDEN', 'The sandbox answers no page of another origin');
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** By the header of the style: `Authorization: Bearer` or `X-API-Key`. @throws Refusal of code UNAUTHENTICATED */
export function checkKey({ headers }: IncomingMessage, key: string, style: 'graphql' | 'rest' | 'either'): void {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = [style !== 'rest' && bearer, style !== 'graphql' && headers['x-api-key']];
  const isRight = given.some((one) => typeof one === 'string' && timingSafeEqual(digest(one), digest(key)));
  if (!isRight) throw new Refusal(401, 'UNAUTHENTICATED', 'Missing or invalid API key');
}

const MAX_BODY_BYTES = 1024 * 1024;

/** @throws Refusal of code PAYLOAD_TOO_LARGE */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // A little too much is read and thrown away, so that its sender sees the answer; far too much ends the connection.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    if (size > 16 * MAX_BODY_BYTES) break;
  }
  if (size > MAX_BODY_BYTES)
    throw new Refusal(413, 'PAYLOAD_TOO_LARGE', `The body is larger than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

/** Adds an entry, which may be completed later, when more is known. */
export function record(log: LoggedRequest[], entry: LoggedRequest): void {
  log.push(entry);
  if (log.length > 10_000) log.shift();
}

/** The faults that were injected, and into what. */
export function faultsIn(log: readonly LoggedRequest[]) {
  return log.flatMap(({ fault, method: _method, httpStatus: _httpStatus, ...request }) =>
    fault === undefined ? [] : { scenario: fault, ...request },
  );
}
