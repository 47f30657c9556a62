/** Proves by thousands of random services that no order is ever placed in two dialects that might both carry it out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import type { Exchange } from '../../../src/doitong/api-client.ts';
import { DIALECT_NAMES, type DialectName } from '../../../src/doitong/dialects.ts';
import { createPlainWireMemory } from '../../support/plain-wire-memory.ts';
import { answered, createFakeWire, dialectIn } from './fake-wire.ts';
import { errors, REQUEST } from './scripted-service.ts';

const ORDER = { ...REQUEST, version: 'flux-pro', quality: 'high' } as const;
const OPTIONS = { signal: new AbortController().signal, webhookUrl: 'https://example.test/hook' };

/** What an order is answered with; `open`: it may have been carried out. */
type Step = { name: string; open: boolean; exchange: (dialect: DialectName) => Exchange };
const refused = (message: string, code?: string, status = 400): Exchange =>
  answered(status, errors({ message, ...(code === undefined ? {} : { code }) }));
const steps: Step[] = [
  { name: 'lost', open: true, exchange: () => ({ outcome: 'ambiguous', fault: { cause: 'network' } }) },
  { name: 'failed', open: true, exchange: () => answered(500, 'x') },
  { name: 'cut off', open: true, exchange: () => answered(200, undefined) },
  { name: 'no id', open: true, exchange: () => answered(200, { data: { job: { id: '' } }, id: '' }) },
  { name: 'in use', open: true, exchange: () => answered(409, {}) },
  { name: 'not sent', open: false, exchange: () => ({ outcome: 'not_sent', fault: { cause: 'network' } }) },
  { name: 'limited', open: false, exchange: () => answered(429, {}) },
  { name: 'no credits', open: false, exchange: () => answered(402, {}) },
  { name: 'bad content', open: false, exchange: () => refused('No foxes', 'BAD_USER_INPUT') },
  { name: 'no path', open: false, exchange: () => answered(404, {}) },
  {
    name: 'no root',
    open: false,
    exchange: (dialect) => refused(`Cannot query field "${dialect}" on type "Mutation".`),
  },
  { name: 'no type', open: false, exchange: () => refused('Unknown type "GenerateInput".') },
  { name: 'no field', open: false, exchange: () => refused('Cannot query field "url" on type "Job".') },
  {
    name: 'no version',
    open: false,
    exchange: () => refused('Field "version" is not defined by type "In".', 'BAD_USER_INPUT'),
  },
  {
    name: 'no webhook',
    open: false,
    exchange: () => refused('Field "webhookUrl" is not defined by type "In".', 'BAD_USER_INPUT'),
  },
];
const step = fc.constantFrom(...steps);

describe('an order', () => {
  it('stays where it may have been carried out, under its key, whatever is answered', async () => {
    const settings = fc.record({
      dialect: fc.constantFrom('auto' as const, ...DIALECT_NAMES),
      known: fc.option(fc.constantFrom(...DIALECT_NAMES)),
      answers: fc.array(step, { minLength: 1, maxLength: 12 }),
      submissions: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(settings, async ({ dialect, known, answers, submissions }) => {
        let met = 0;
        const opened: DialectName[] = [];
        const wire = createFakeWire(
          (request) => {
            const query = dialectIn(request);
            if (query === undefined) return answered(400, {});
            const given = answers[met % answers.length];
            met += 1;
            if (given === undefined) throw new Error('no answer');
            if (given.open) opened.push(query);
            if (opened[0] !== undefined) expect(query).toBe(opened[0]);
            if (dialect !== 'auto') expect(query).toBe(dialect);
            expect(request.headers['idempotency-key']).toBe('key-1');
            return given.exchange(query);
          },
          { dialect, memory: createPlainWireMemory(known === null ? undefined : { dialect: known }) },
        );
        for (let count = 0; count < submissions; count += 1) {
          const isOpen = opened.length > 0;
          const error: unknown = await wire.submit(ORDER, 'key-1', OPTIONS).catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(FluxError);
          // What an earlier submission left open is known to the record.
          if (opened.length > 0 && !isOpen) expect((error as FluxError).failure.creditsSpent).toBe('maybe');
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('of another key is free of it', async () => {
    let lost = true;
    const wire = createFakeWire((request) => {
      if (dialectIn(request) !== 'generateImage' && !lost)
        return refused('Cannot query field "generate" on type "Mutation".');
      if (lost) return { outcome: 'ambiguous', fault: { cause: 'network' } };
      return answered(200, { data: { job: { id: 'a' } } });
    });
    await expect(wire.submit(ORDER, 'key-1', OPTIONS)).rejects.toMatchObject({
      failure: { kind: 'ambiguous', creditsSpent: 'maybe' },
    });
    lost = false;
    expect((await wire.submit(ORDER, 'key-2', OPTIONS)).remoteId).toBe('a');
    const ordered = () => wire.sent.map(dialectIn).filter((dialect) => dialect !== undefined);
    expect(ordered()).toEqual([...Array(3).fill('generate'), 'generate', 'generateImage']);
    // Now that the dialect is known: it stays another one than that of the first.
    await expect(wire.submit(ORDER, 'key-1', OPTIONS)).rejects.toMatchObject({
      failure: { kind: 'unsupported_service' },
    });
    expect(ordered().at(-1)).toBe('generate');
  });

  it.each(['auto', ...DIALECT_NAMES] as const)(
    'that left in a dialect of a newer version is not sent in another one, whatever is set: %s',
    async (dialect) => {
      const wire = createFakeWire(() => answered(200, { data: { job: { id: 'a' } } }), { dialect });
      await expect(wire.submit(ORDER, 'key-1', { ...OPTIONS, dialect: 'generatePicture' })).rejects.toMatchObject({
        failure: {
          kind: 'unsupported_service',
          reason: { code: 'dialect_unknown', dialect: 'generatePicture' },
          creditsSpent: 'maybe',
        },
      });
      expect(wire.sent).toEqual([]);
    },
  );
});
