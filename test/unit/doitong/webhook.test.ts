/** Proves that only what the service signed is heard, and that nothing but the job's id is taken from it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Log, WebhookResult, WebhookSink } from '../../../src/core/ports.ts';
import { createWebhookSink } from '../../../src/doitong/webhook.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { type Delivery, hexOf, isKnown, PATH, SECRET, signed, WEBHOOK_VECTORS } from './webhook-vectors.ts';

const DAY_MS = 24 * 60 * 60_000;

function stage(
  overrides: { knows?: (id: string) => Promise<boolean>; addMarker?: (id: string) => Promise<void> } = {},
) {
  const markers: string[] = [];
  const lines: string[] = [];
  const line = (level: string) => (message: string, fields?: object) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const clock = createManualClock();
  const sink = createWebhookSink({
    secret: SECRET,
    path: PATH,
    knows: async (id) => isKnown(id),
    addMarker: async (id) => void markers.push(id),
    clock,
    log,
    ...overrides,
  });
  return { sink, markers, lines, clock };
}

function send(sink: WebhookSink, { method = 'POST', path = PATH, headers, body }: Delivery): Promise<WebhookResult> {
  return sink({ method, path, headers, body: typeof body === 'string' ? Buffer.from(body) : body });
}

describe('a webhook', () => {
  it.each(WEBHOOK_VECTORS)('$name: $status', async ({ before = [], delivery, status, counted }) => {
    const { sink, markers, lines } = stage();
    for (const earlier of before) await send(sink, earlier);
    const earlierMarkers = markers.length;
    expect(await send(sink, delivery)).toBe(status);
    expect(markers.length - earlierMarkers).toBe(counted === 'accepted' ? 1 : 0);
    expect(lines.join('\n')).not.toContain(SECRET);
  });

  it('has vectors of different names', () => {
    expect(new Set(WEBHOOK_VECTORS.map(({ name }) => name)).size).toBe(WEBHOOK_VECTORS.length);
  });

  it('gives nothing but the id of the job', async () => {
    const { sink, markers } = stage();
    await send(sink, signed('{"id":"dt_5","status":"failed","url":"https://evil.example/x.jpg","credits":1}'));
    expect(markers).toEqual(['dt_5']);
  });

  it('is heard once when its double comes meanwhile', async () => {
    const { sink, markers } = stage();
    const decisions = await Promise.all([send(sink, signed('{"id":"dt_1"}')), send(sink, signed('{"id":"dt_1"}'))]);
    expect(decisions).toEqual([200, 200]);
    expect(markers).toEqual(['dt_1']);
  });

  it('is remembered for a day', async () => {
    const { sink, markers, clock } = stage();
    await send(sink, signed('{"id":"dt_1"}'));
    await clock.advance(DAY_MS - 1);
    await send(sink, signed('{"id":"dt_1"}'));
    expect(markers).toHaveLength(1);
    await clock.advance(1);
    await send(sink, signed('{"id":"dt_1"}'));
    expect(markers).toHaveLength(2);
  });

  it('of a job that became known meanwhile is heard when it is repeated', async () => {
    let known = false;
    const { sink, markers } = stage({ knows: async () => known });
    expect(await send(sink, signed('{"id":"dt_1"}'))).toBe(200);
    known = true;
    expect(await send(sink, signed('{"id":"dt_1"}'))).toBe(200);
    expect(markers).toEqual(['dt_1']);
  });

  it('that cannot be kept is asked for again', async () => {
    let full = true;
    const markers: string[] = [];
    const { sink, lines } = stage({
      addMarker: async (id) => {
        if (full) throw new Error('ENOSPC');
        markers.push(id);
      },
    });
    expect(await send(sink, signed('{"id":"dt_1"}'))).toBe(503);
    full = false;
    expect(await send(sink, signed('{"id":"dt_1"}'))).toBe(200);
    expect(markers).toEqual(['dt_1']);
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('whose job cannot be looked up is asked for again', async () => {
    const { sink } = stage({ knows: () => Promise.reject(new Error('EACCES')) });
    expect(await send(sink, signed('{"id":"dt_1"}'))).toBe(503);
  });

  it('that is forged is warned of once', async () => {
    const { sink, lines } = stage();
    for (let count = 0; count < 5; count += 1) await send(sink, { body: '{}', headers: [] });
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });
});

type Alteration = { kind: 'flip' | 'insert' | 'delete'; position: number; byte: number };

function alter(bytes: Uint8Array, { kind, position, byte }: Alteration): Uint8Array {
  const at = position % (bytes.length + (kind === 'insert' ? 1 : 0));
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (kind === 'insert') return Buffer.concat([head, Uint8Array.of(byte), tail]);
  if (kind === 'delete') return Buffer.concat([head, tail.subarray(1)]);
  return Buffer.concat([head, Uint8Array.of((tail[0] ?? 0) ^ byte), tail.subarray(1)]);
}

describe('an altered byte', () => {
  const alteration = fc.record<Alteration>({
    kind: fc.constantFrom('flip', 'insert', 'delete'),
    position: fc.nat(),
    byte: fc.integer({ min: 1, max: 255 }),
  });
  const event = fc
    .record({ id: fc.string({ minLength: 1, maxLength: 40 }), prompt: fc.string({ unit: 'binary', maxLength: 200 }) })
    .map((value) => Buffer.from(JSON.stringify(value)));
  const header = (value: Uint8Array | string): string[] => [
    'X-Doitong-Signature',
    typeof value === 'string' ? value : Buffer.from(value).toString('latin1'),
  ];

  it('of the body is never accepted', async () => {
    await fc.assert(
      fc.asyncProperty(event, alteration, async (body, how) => {
        const { sink, markers } = stage({ knows: async () => true });
        const headers = header(`sha256=${hexOf(body)}`);
        expect(await send(sink, { body: alter(body, how), headers })).toBe(401);
        expect(markers).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of the signature is never accepted, but for the case of a digit', async () => {
    await fc.assert(
      fc.asyncProperty(event, alteration, async (body, how) => {
        const right = `sha256=${hexOf(body)}`;
        const headers = header(alter(Buffer.from(right), how));
        const sameDigits = headers[1]?.startsWith('sha256=') && headers[1].toLowerCase() === right;
        const { sink, markers } = stage({ knows: async () => true });
        const decision = await send(sink, { body, headers });
        if (sameDigits) expect(decision).not.toBe(401);
        else expect([decision, markers]).toEqual([401, []]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of the signature is never accepted, whichever it is and whatever becomes of it', async () => {
    const body = Buffer.from('{"id":"dt_1"}');
    const right = Buffer.from(`sha256=${hexOf(body)}`);
    const { sink, markers } = stage();
    for (let position = 0; position < right.length; position += 1) {
      for (let byte = 1; byte < 256; byte += 1) {
        const wrong = alter(right, { kind: 'flip', position, byte });
        const isDigit = position >= 'sha256='.length && byte === 0x20 && (right[position] ?? 0) >= 0x61;
        if (!isDigit) expect(await send(sink, { body, headers: header(wrong) })).toBe(401);
      }
    }
    expect(markers).toEqual([]);
  });
});
