/** Proves that any body whatsoever becomes an envelope. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEnvelope } from '../../../src/doitong/envelope.ts';

const open = (value: unknown): ReturnType<typeof openEnvelope> => openEnvelope(JSON.stringify(value));

describe('openEnvelope', () => {
  it.each([
    ['nothing', undefined],
    ['an empty body', ''],
    ['a page of a proxy', '<!doctype html><h1>Bad gateway</h1>'],
    ['truncated JSON', '{"data":{"job":{"id":"a"'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a string', '"ok"'],
    ['a number', '7'],
  ])('finds %s unreadable', (_, body) => {
    expect(openEnvelope(body)).toEqual({ job: undefined, data: undefined, errors: [] });
  });

  it('finds the job under its alias, or under the only name there is', () => {
    expect(open({ data: { job: { id: 'a' } } }).job).toEqual({ id: 'a' });
    expect(open({ data: { job: { id: 'a' }, other: { id: 'b' } } }).job).toEqual({ id: 'a' });
    expect(open({ data: { generateimage: { id: 'a' } } }).job).toEqual({ id: 'a' });
    expect(open({ data: { one: { id: 'a' }, two: { id: 'b' } } }).job).toBeUndefined();
  });

  it('tells a null job from none', () => {
    expect(open({ data: { job: null } }).job).toBeNull();
    expect(open({ data: null }).job).toBeUndefined();
    expect(open({}).job).toBeUndefined();
    expect(open({ data: { job: 'yes' } }).job).toBeUndefined();
  });

  it('ignores a byte order mark and fields that nobody knows', () => {
    expect(openEnvelope('\uFEFF{"data":{"job":{"id":"a"}},"extensions":{},"x":1}').job).toEqual({ id: 'a' });
  });

  it('reads the documented error', () => {
    const extensions = { code: 'INSUFFICIENT_CREDITS', creditsRequired: 100, creditsAvailable: 50 };
    expect(open({ errors: [{ message: 'Insufficient credits', extensions }] }).errors).toEqual([
      { message: 'Insufficient credits', ...extensions },
    ]);
  });

  it('reads errors without extensions, of wrong types and of no shape at all', () => {
    const errors = [
      { message: 'plain' },
      { message: 7, extensions: 'none' },
      { message: 'a', extensions: { code: 402, creditsRequired: '30', creditsAvailable: -1 } },
      'just text',
      null,
    ];
    expect(open({ data: null, errors }).errors).toEqual([
      { message: 'plain' },
      { message: '' },
      { message: 'a', creditsRequired: 30 },
      { message: 'just text' },
      { message: '' },
    ]);
    expect(open({ errors: null, data: { job: { id: 'a' } } })).toMatchObject({ errors: [], job: { id: 'a' } });
  });

  it('reads the error bodies of gateways', () => {
    expect(open({ error: 'Forbidden' }).errors).toEqual([{ message: 'Forbidden' }]);
    expect(open({ error: { message: 'Nope', code: 'X' } }).errors).toEqual([{ message: 'Nope', code: 'X' }]);
    expect(open({ message: 'Too many' }).errors).toEqual([{ message: 'Too many' }]);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (body) => void openEnvelope(body)));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, errors) => {
        expect(Array.isArray(openEnvelope(JSON.stringify({ data, errors })).errors)).toBe(true);
      }),
    );
  });
});
