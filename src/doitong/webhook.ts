/** Separates events that the service has signed from everything else, and reads from them which job to poll. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { attempt, BoundedMap } from '../core/primitives.ts';
import { type Clock, type Log, WEBHOOK_BODY_MAX_BYTES, type WebhookSink } from '../core/ports.ts';
import { parseJsonLosslessly } from './lossless-json.ts';
import { remoteIdSchema } from './wire-values.ts';

const HEADER = 'x-doitong-signature';
/** The documented form. Hexadecimal digits mean the same in either case; a name of an algorithm does not. */
const SIGNATURE = /^sha256=([0-9A-Fa-f]{64})$/u;

/** A signature holds for ever, so that a replay is recognised by memory alone; a forgotten one costs one status read. */
const SEEN_EVENTS = 4_096;
const SEEN_FOR_MS = 24 * 60 * 60_000;

/** Nothing else is taken from an event: how the job stands is read from the service itself. */
const event = z.object({ id: remoteIdSchema });

export type WebhookSinkDeps = {
  secret: string;
  /** The `pathname` of the URL that was given to the service. */
  path: string;
  /** Whether a job of ours has this id at the service. */
  knows: (remoteId: string) => Promise<boolean>;
  addMarker: (remoteId: string) => Promise<void>;
  clock: Pick<Clock, 'monotonic'>;
  log: Log;
};

export function createWebhookSink({ secret, path, knows, addMarker, clock, log }: WebhookSinkDeps): WebhookSink {
  const seen = new BoundedMap<string, number>(SEEN_EVENTS);
  let isWarned = false;

  return async ({ method, path: target, headers, body }) => {
    if (method !== 'POST' || target.split('?', 1)[0] !== path) return 404;
    if (body.length > WEBHOOK_BODY_MAX_BYTES) return 413;
    const digest = createHmac('sha256', secret).update(body).digest();
    const given = signatureIn(headers);
    if (given === undefined || !timingSafeEqual(digest, given)) {
      // Whoever finds the port can ask as often as they like; but a wrong secret must be reported.
      const level = isWarned ? 'debug' : 'warn';
      log[level]('a webhook was refused: its X-Doitong-Signature does not fit DOITONG_WEBHOOK_SECRET');
      isWarned = true;
      return 401;
    }
    const content = attempt(() => parseJsonLosslessly(new TextDecoder('utf-8', { fatal: true }).decode(body)));
    const remoteId = event.safeParse(content).data?.id;
    if (remoteId === undefined) return 404;
    const signature = digest.toString('hex');
    const now = clock.monotonic();
    if (now - (seen.get(signature) ?? Number.NEGATIVE_INFINITY) < SEEN_FOR_MS) return 200;
    // Before it is used: its double may come meanwhile.
    seen.set(signature, now);
    try {
      const isKnown = await knows(remoteId);
      if (isKnown) await addMarker(remoteId);
      // It may belong to another key, or to an order whose answer is not here yet, and be of use when it comes again.
      else seen.delete(signature);
      log.debug('a webhook was received', { doitongId: remoteId, isKnown });
      // Also where it is unknown: the service would repeat a refused event, and be answered the same each time.
      return 200;
    } catch (error) {
      seen.delete(signature);
      log.warn('a webhook could not be kept', { doitongId: remoteId, error: String(error) });
      return 503;
    }
  };
}

/** The 32 bytes that the one signature header holds; `undefined` for no such header, several, or another form. */
function signatureIn(headers: readonly string[]): Uint8Array | undefined {
  const values = headers.filter((_, index) => headers[index - 1]?.toLowerCase() === HEADER && index % 2 === 1);
  const [, hex] = values.length === 1 ? (SIGNATURE.exec(values[0] ?? '') ?? []) : [];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}
