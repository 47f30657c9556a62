/** Proves that any body whatsoever becomes an envelope. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Envelope, openEnvelope, openRestEnvelope } from '../../../src/doitong/envelope.ts';

const asItIs = (text: string): string => text;
const read = (body: string | undefined): Envelope => openEnvelope(body, asItIs);
const open = (value: unknown): Envelope => read(JSON.stringify(value));
/** An error as it is read whose message needs no cleaning. */
const error = (message: string, more: object = {}): object => ({ message, said: message, ...more });

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
    expect(read(body)).toEqual({ job: undefined, data: undefined, errors: [] });
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
    expect(read('\uFEFF{"data":{"job":{"id":"a"}},"extensions":{},"x":1}').job).toEqual({ id: 'a' });
  });

  it('reads the documented error', () => {
    const extensions = { code: 'INSUFFICIENT_CREDITS', creditsRequired: 100, creditsAvailable: 50 };
    expect(open({ errors: [{ message: 'Insufficient credits', extensions }] }).errors).toEqual([
      error('Insufficient credits', extensions),
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
      error('plain'),
      error(''),
      error('a', { creditsRequired: 30 }),
      error('just text'),
      error(''),
    ]);
    expect(open({ errors: null, data: { job: { id: 'a' } } })).toMatchObject({ errors: [], job: { id: 'a' } });
  });

  it('reads the error bodies of gateways', () => {
    expect(open({ error: 'Forbidden' }).errors).toEqual([error('Forbidden')]);
    expect(open({ error: { message: 'Nope', code: 'X' } }).errors).toEqual([error('Nope', { code: 'X' })]);
    expect(open({ message: 'Too many' }).errors).toEqual([error('Too many')]);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (body) => void read(body)));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, errors) => {
        expect(Array.isArray(read(JSON.stringify({ data, errors })).errors)).toBe(true);
      }),
    );
  });
});

describe('openRestEnvelope', () => {
  const job = { id: 'a', status: 'processing' };
  const rest = (value: unknown, status = 200): Envelope => openRestEnvelope(status, JSON.stringify(value), asItIs);

  it.each([job, { job }, { data: job }, { result: job }, { data: { image: job } }, { data: { job } }])(
    'finds the job in %j',
    (answer) => {
      expect(rest(answer)).toMatchObject({ job, errors: [] });
    },
  );

  it('takes a number for an id, and what a job says of itself for no error', () => {
    expect(rest({ id: 7, message: 'Accepted', error: null })).toMatchObject({ job: { id: 7 }, errors: [] });
    expect(rest({ ...job, status: 'failed', error: 'GPU on fire' })).toMatchObject({
      job: { error: 'GPU on fire' },
      errors: [],
    });
    expect(rest({ job, message: 'Careful' })).toMatchObject({ job, errors: [{ message: 'Careful' }] });
  });

  it.each([
    [402, { id: 'req_1', error: 'Insufficient credits' }],
    [400, { id: 'req_1', status: 'error', message: 'No' }],
    [500, job],
    [200, { message: 'No' }],
    [200, { error: { message: 'No', code: 'X' } }],
    [200, { errors: [{ message: 'No' }] }],
    [200, {}],
    [200, { status: 'processing' }],
    [200, [job]],
    [200, null],
  ])('finds none in %i %j', (status, answer) => {
    expect(rest(answer, status).job).toBeUndefined();
  });

  it('tells what is JSON from what is none', () => {
    expect(rest({ errors: [] }, 404).data).toEqual({ errors: [] });
    expect(openRestEnvelope(404, '<h1>Not found</h1>', asItIs)).toEqual({
      job: undefined,
      data: undefined,
      errors: [],
    });
    expect(openRestEnvelope(200, undefined, asItIs).data).toBeUndefined();
  });
});

describe('a long answer', () => {
  it('is read when it is long because it holds a picture', () => {
    const url = `data:image/jpeg;base64,${'A'.repeat(20_000_000)}`;
    expect(read(JSON.stringify({ data: { job: { id: 'a', url } } })).job).toEqual({ id: 'a', url });
  });

  it('is not read when it holds more values than any answer needs', () => {
    expect(read(`{"data":{"job":{"id":"a","list":[${'0,'.repeat(4_000_001)}0]}}}`).job).toBeUndefined();
  });
});
