// Owns HTTP as the sandbox speaks it: where a request leads, its caller, key and body, the log, answers and refusals.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Submission } from './job.ts';
import type { ScenarioName } from './scenarios.ts';

export type SandboxOperation = Submission['dialect'] | 'status' | 'introspection' | 'picture' | 'other';

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
  if (!HOST.test(host.join()) || !origin.every((one) => ORIGIN.test(one)))
    throw new Refusal(403, 'FORBIDDEN', 'Host and Origin must be localhost, 127.0.0.1 or [::1], with any port');
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

export type Answer = {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** `lost`: the connection is destroyed instead; `truncated`: half of the body under the length of the whole. */
  delivery?: 'lost' | 'truncated';
  /** What the answer lacks of the headers about the rate limit: all of them where a proxy answers. */
  lacks?: 'reset' | 'rate-headers';
};

/** What the sandbox throws when it does not do what was asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  /** @param code only INSUFFICIENT_CREDITS is on the service's page; the other codes are this sandbox's own */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** As it stands in an answer. */
  get entry() {
    return { message: this.message, extensions: { code: this.code, ...this.details } };
  }
}

/** @param waitMs after which trying again may help; `Infinity`: nobody knows */
export function tooMany(code: string, message: string, waitMs: number): Refusal {
  const headers = { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) };
  return new Refusal(429, code, message, {}, Number.isFinite(waitMs) ? headers : {});
}

export function answerJson(status: number, value: unknown, more: Readonly<Record<string, string>> = {}): Answer {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', ...more };
  return { status, headers, body: JSON.stringify(value) };
}

/** The refusal decides the status and when to come back, also where there are more errors than it. */
export function answerRefusal({ status, entry, headers }: Refusal, errors: readonly object[] = [entry]): Answer {
  return answerJson(status, { errors }, headers);
}

/** Answers whatever `work` ends with. */
export async function answerOf(work: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return answerRefusal(error);
    return answerRefusal(new Refusal(500, 'INTERNAL_SERVER_ERROR', 'The sandbox is at fault'));
  }
}
