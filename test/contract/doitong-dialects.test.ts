/** Proves in which dialect an order is placed: what is tried, what is never left, what is remembered and forgotten. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { DoitongSettings } from '../../src/doitong/doitong-provider.ts';
import type { RequestLimiter } from '../../src/limits/limits.ts';
import { MANUAL_CLOCK_START } from '../support/manual-clock.ts';
import { createPlainWireMemory, type PlainWireMemory } from '../support/plain-wire-memory.ts';
import { nameOf, schemaService, stepOf } from '../unit/doitong/schema-service.ts';
import {
  type Arrived,
  errors,
  type Harness,
  job,
  KEY,
  REQUEST,
  type Script,
  type Scripted,
  startHarness,
  unmarked,
} from '../unit/doitong/scripted-service.ts';
import { wordsOf } from '../support/words.ts';

const harnesses: Harness[] = [];
afterEach(async () => {
  await Promise.all(harnesses.splice(0).map((harness) => harness.close()));
});

type Options = Partial<Pick<DoitongSettings, 'dialect'>> & { memory?: PlainWireMemory; limiter?: RequestLimiter };

async function start(script: Script, { memory, limiter, ...settings }: Options = {}) {
  const limiterOn = limiter && { limiterOn: () => limiter };
  const harness = await startHarness(script, { settings, ...limiterOn, ...(memory === undefined ? {} : { memory }) });
  harnesses.push(harness);
  const { provider, service } = harness;
  const submit = (key = 'key-1', request: typeof REQUEST = REQUEST) => provider.submit(request, key, unmarked());
  return {
    ...harness,
    submit,
    failure: async (key = 'key-1'): Promise<Failure> => {
      const error: unknown = await submit(key).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FluxError);
      return (error as FluxError).failure;
    },
    /** The dialects that were tried, in their order. */
    ordered: () => service.arrived.filter(isOrder).map(nameOf),
    orders: () => service.arrived.filter(isOrder),
  };
}
const isOrder = ({ method, query }: Arrived): boolean => method === 'POST' && !/__(?:schema|typename)/u.test(query);

const TIME = 'query { __typename }';
const BY_REST = 'POST /v1/text_to_image';
const MADE = { id: 'job-1', status: 'processing', url: null };
const TYPES = `
  type Job { id: ID! status: String! url: String creditCost: Int createdAt: String }
  enum Kind { IMAGE } input Text { text: String! }
  input Options { width: Int height: Int version: String quality: String }
  type Query { ping: String }`;
const GENERATE_INPUT =
  'input GenerateInput { type: Kind! provider: String! input: Text! options: Options webhookUrl: String }';
const IMAGE_INPUT = `input ImageGenerationInput {
  service: String! prompt: String! width: Int height: Int version: String webhookUrl: String }`;
const GENERATE = `${TYPES} ${GENERATE_INPUT} type Mutation { generate(input: GenerateInput!): Job }`;
const ONLY_IMAGE = `${TYPES} ${IMAGE_INPUT} type Mutation { generateImage(input: ImageGenerationInput!): Job }`;
const NEITHER = `${TYPES} type Mutation { ping: String }`;
const ROOT = { generate: () => MADE, generateImage: () => MADE };
const rest = (): Scripted => ({ body: MADE });
const secretive = { introspection: false };

describe('auto', () => {
  it.each<[string, Script, string[], string]>([
    ['the first that is documented', schemaService(GENERATE, ROOT), ['generate'], 'generate'],
    ['the one that the schema has', schemaService(ONLY_IMAGE, ROOT), ['generateImage'], 'generateImage'],
    [
      'the next without that root field',
      schemaService(ONLY_IMAGE, ROOT, secretive),
      ['generate', 'generateImage'],
      'generateImage',
    ],
    [
      'the next without that input type',
      schemaService(
        `${TYPES} ${IMAGE_INPUT} type Mutation {
        generate(input: ImageGenerationInput!): Job generateImage(input: ImageGenerationInput!): Job }`,
        ROOT,
        secretive,
      ),
      ['generate', 'generateImage'],
      'generateImage',
    ],
    ['the last when the schema has neither', schemaService(NEITHER, ROOT, { rest }), [BY_REST], 'rest'],
    [
      'the last without both',
      schemaService(NEITHER, ROOT, { rest, introspection: false }),
      ['generate', 'generateImage', BY_REST],
      'rest',
    ],
    [
      'the last without any mutations',
      schemaService(TYPES, ROOT, { rest, introspection: false }),
      ['generate', 'generateImage', BY_REST],
      'rest',
    ],
    ...[404, 405].map((status): [string, Script, string[], string] => [
      `the only other address after ${status}`,
      ({ path }) => (path === '/graphql' ? { status, text: '<h1>no</h1>' } : rest()),
      ['generate', BY_REST],
      'rest',
    ]),
  ])('takes %s, under one key, recorded before each, and remembers it', async (_, script, dialects, dialect) => {
    const dialectsPersisted: [string, number][] = [];
    const { provider, memory, ordered, orders, clock } = await start(script);
    const beforeSending = async (expected: string): Promise<void> =>
      void dialectsPersisted.push([expected, orders().length]);
    const { signal } = unmarked();
    expect((await provider.submit(REQUEST, 'key-1', { signal, beforeSending })).remoteId).toBe('job-1');
    expect(ordered()).toEqual(dialects);
    expect(new Set(orders().map(({ headers }) => headers['idempotency-key']))).toEqual(new Set(['key-1']));
    expect(dialectsPersisted).toEqual(
      dialects.map((expected, index) => [expected === BY_REST ? 'rest' : expected, index]),
    );
    expect(clock.slept).toEqual([]);
    expect(memory.known()).toMatchObject({ dialect });
    await provider.submit(REQUEST, 'key-2', unmarked());
    expect(ordered()).toEqual([...dialects, dialects.at(-1)]);
    expect(memory.writes()).toBe(1);
  });

  it('is not asked of an order that has left in another dialect, whatever is remembered by now', async () => {
    const both = `${TYPES} ${GENERATE_INPUT} ${IMAGE_INPUT} type Mutation {
      generate(input: GenerateInput!): Job generateImage(input: ImageGenerationInput!): Job }`;
    const { provider, ordered, orders } = await start(schemaService(both, ROOT), {
      memory: createPlainWireMemory({ dialect: 'generate' }),
    });
    const dialectsPersisted: string[] = [];
    const options = {
      ...unmarked(),
      dialect: 'generateImage',
      beforeSending: async (dialect: string) => void dialectsPersisted.push(dialect),
    };
    expect((await provider.submit(REQUEST, 'key-1', options)).remoteId).toBe('job-1');
    expect(ordered()).toEqual(['generateImage']);
    expect(dialectsPersisted).toEqual(['generateImage']);
    expect(orders()[0]?.headers['idempotency-key']).toBe('key-1');
  });

  it('leaves an order open whose dialect is gone: it is never placed in another one', async () => {
    const { provider, ordered } = await start(schemaService(GENERATE, ROOT));
    const error: unknown = await provider
      .submit(REQUEST, 'key-1', { ...unmarked(), dialect: 'generateImage' })
      .catch((reason: unknown) => reason);
    expect((error as FluxError).failure).toMatchObject({ kind: 'unsupported_service', retry: 'no' });
    expect(ordered()).toEqual(['generateImage']);
  });

  it('sends nothing that could not be recorded', async () => {
    const { provider, ordered } = await start(schemaService(ONLY_IMAGE, ROOT));
    const refused = new FluxError({
      kind: 'storage_failed',
      reason: { code: 'worded', what: 'x' },
      creditsSpent: 'no',
      retry: 'no',
    });
    const beforeSending = () => Promise.reject(refused);
    await expect(provider.submit(REQUEST, 'key-1', { ...unmarked(), beforeSending })).rejects.toMatchObject({
      failure: refused.failure,
    });
    expect(ordered()).toEqual([]);
  });

  const unknownRoot = errors({ message: 'Cannot query field "generate" on type "Mutation".' });
  it.each<[string, Scripted, Partial<Failure & { next: string }>]>([
    [
      'its content',
      { status: 400, body: errors({ message: 'No foxes', code: 'BAD_USER_INPUT' }) },
      { kind: 'bad_input' },
    ],
    ['its content, in silence', { status: 422 }, { kind: 'bad_input' }],
    ['its size', { status: 413 }, { kind: 'bad_input' }],
    ['the key', { status: 401 }, { kind: 'bad_key' }],
    ['the credits', { status: 402 }, { kind: 'no_credits' }],
    ['its form', { status: 415 }, { kind: 'unsupported_service', creditsSpent: 'no' }],
    ['the limit', { status: 429 }, { kind: 'rate_limited' }],
    ['a redirect', { status: 307 }, { kind: 'unsupported_service' }],
    [
      'an error of no known meaning',
      { body: errors({ message: 'Not found', code: 'WHATEVER' }) },
      { creditsSpent: 'maybe' },
    ],
    ['a failure', { status: 500, body: unknownRoot }, { creditsSpent: 'maybe' }],
    ['half an answer', { text: '{"errors":[{"message":"Cannot query field' }, { creditsSpent: 'maybe' }],
    ['an answer with data', { body: { data: { job: null }, ...(unknownRoot as object) } }, { creditsSpent: 'maybe' }],
    [
      'validation in other words',
      { status: 400, body: errors({ message: 'No generate here', code: 'GRAPHQL_VALIDATION_FAILED' }) },
      { kind: 'unsupported_service', next: expect.stringContaining('DOITONG_DIALECT') },
    ],
    [
      'another argument',
      { status: 400, body: errors({ message: 'Unknown argument "input" on field "Mutation.generate".' }) },
      { kind: 'unsupported_service', creditsSpent: 'no' },
    ],
    [
      'another type in its place',
      {
        status: 400,
        body: errors({
          message: 'Variable "$input" of type "GenerateInput!" used in position expecting type "Other!".',
        }),
      },
      { kind: 'unsupported_service', creditsSpent: 'no' },
    ],
    [
      'an unknown type that was not named',
      { status: 400, body: errors({ message: 'Unknown type "Elsewhere".' }) },
      { kind: 'unsupported_service' },
    ],
    [
      'an answer without an id',
      { status: 400, body: errors({ message: 'Cannot query field "id" on type "Payload".' }) },
      { kind: 'unsupported_service' },
    ],
  ])('does not move on because of %s', async (_, answer, expected) => {
    const { failure, ordered } = await start((arrived) => (isOrder(arrived) ? answer : { status: 400 }));
    const reported = await failure();
    expect({ ...reported, ...wordsOf(reported) }).toMatchObject(expected);
    expect(new Set(ordered())).toEqual(new Set(['generate']));
  });

  it.each([
    ['the schema has none', schemaService(NEITHER, ROOT), 1],
    ['none is found', schemaService(NEITHER, ROOT, secretive), 3],
  ])('says what was tried when %s, and what to check', async (_, script, orders) => {
    const { failure, ordered } = await start(script);
    const reported = await failure();
    expect(reported).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'no', retry: 'no', httpStatus: 404 });
    expect(wordsOf(reported).what).toContain('(generate, generateImage, rest).');
    expect(wordsOf(reported).next).toContain('DOITONG_API_URL');
    expect(ordered()).toHaveLength(orders);
  });

  it('goes no further than a bounded number of steps with a service that contradicts itself', async () => {
    const messages = ['version', 'quality'].map(
      (name) =>
        `Variable "$input" got invalid value {} at "input.options"; Field "${name}" is not defined by type "O".`,
    );
    const { failure, orders } = await start((arrived, count) =>
      isOrder(arrived) ? { status: 400, body: errors({ message: messages[count % 2] ?? '' }) } : { status: 400 },
    );
    expect((await failure()).creditsSpent).toBe('no');
    expect(orders().length).toBeLessThanOrEqual(12);
  });
});

describe('an order that may have been carried out', () => {
  /** The first orders end so; then the service is what the script says. */
  const faulty = (faults: readonly Scripted[], script: Script): Script => {
    let met = 0;
    return (arrived, count) => (isOrder(arrived) ? faults[met++] : undefined) ?? stepOf(script, arrived, count);
  };
  const lost: Scripted = (response) => response.destroy();

  it.each<[string, Scripted]>([
    ['lost', lost],
    ['failed', { status: 500 }],
    ['cut off', { text: '{"data":{"job":{"id":"jo' }],
    ['unclear', { body: errors({ message: 'boom' }) }],
    ['without an id', { body: job({ id: '' }) }],
  ])('is never placed in another dialect: %s', async (_, fault) => {
    const { failure, submit, ordered } = await start(
      faulty([fault], schemaService(ONLY_IMAGE, ROOT, { rest, introspection: false })),
    );
    expect(await failure()).toMatchObject({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' });
    expect(ordered()).toEqual(['generate', 'generate']);
    // Asked for again under its own key, as often as one likes.
    expect((await failure()).creditsSpent).toBe('no');
    expect(ordered()).toEqual(['generate', 'generate', 'generate']);
    await submit('key-2');
    expect(ordered().slice(3)).toEqual(['generate', 'generateImage']);
  });

  it('is repeated where it was placed, byte for byte, without asking elsewhere again', async () => {
    const strict = ONLY_IMAGE.replace('version: String webhookUrl: String', '');
    const image = schemaService(strict, ROOT, secretive);
    let lostOnce = false;
    const script: Script = (arrived, count) => {
      const step = stepOf(image, arrived, count);
      const taken = 'status' in step && step.status === 200 && isOrder(arrived);
      if (!taken || lostOnce) return step;
      lostOnce = true;
      return lost;
    };
    const { provider, ordered, orders } = await start(script);
    await provider.submit({ ...REQUEST, version: 'flux-pro' }, 'key-1', unmarked());
    expect(ordered()).toEqual(['generate', 'generateImage', 'generateImage', 'generateImage']);
    const [, , third, fourth] = orders();
    expect(fourth?.body).toEqual(third?.body);
    expect(fourth?.headers['idempotency-key']).toBe('key-1');
  });

  it('may still learn how its dialect is encoded here', async () => {
    const strict = GENERATE.replace('quality: String', '');
    const { provider, ordered } = await start(
      faulty([{ status: 502, text: '<h1>' }], schemaService(strict, ROOT, secretive)),
    );
    await provider.submit({ ...REQUEST, quality: 'high' }, 'key-1', unmarked());
    expect(ordered()).toEqual(['generate', 'generate', 'generate']);
  });

  it('was not one when nothing left, or when it was refused', async () => {
    const { submit, ordered } = await start(faulty([{ status: 429 }], schemaService(ONLY_IMAGE, ROOT, secretive)));
    await submit();
    expect(ordered()).toEqual(['generate', 'generate', 'generateImage']);
  });
});

describe('what was found', () => {
  it('is used by the next process at once, down to the type of the input', async () => {
    const other = GENERATE.replaceAll('GenerateInput', 'GenInput')
      .replace('quality: String', '')
      .replace('enum Kind { IMAGE }', 'enum Kind { image }')
      .replace('createdAt: String', '');
    const first = await start(schemaService(other, ROOT));
    const request = { ...REQUEST, quality: 'high' } as const;
    await first.submit('key-1', request);
    expect(first.memory.known()).toMatchObject({
      dialect: 'generate',
      typeName: 'GenInput',
      leftOut: ['options.quality'],
      unselected: ['createdAt'],
      values: { type: { IMAGE: 'image' } },
    });
    // All of it came from the schema: no order was refused.
    expect(first.ordered()).toEqual(['generate']);
    const { submit, ordered, service } = await start(schemaService(other, ROOT), { memory: first.memory });
    await submit('key-2', request);
    expect(ordered()).toEqual(['generate']);
    // The schema told the time, too: nothing else has told this process.
    expect(service.arrived.map(nameOf)).toEqual([TIME, 'generate']);
    expect(service.arrived.at(-1)?.variables).toMatchObject({ input: { type: 'image' } });
  });

  it.each<[string, string | undefined, number | undefined]>([
    ['which is known before the first of them leaves', 'Tue, 02 Jun 2026 05:00:00 GMT', Date.UTC(2026, 5, 2, 5)],
    ['also where the service does not tell it', undefined, undefined],
  ])('is no reason to order without the time, for which a process asks once, %s', async (_, date, there) => {
    const script: Script = () => ({ body: job(), ...(date !== undefined && { headers: { date } }) });
    const memory = createPlainWireMemory({ dialect: 'generate' });
    const { provider, service } = await start(script, { memory });
    const { signal } = new AbortController();
    await Promise.all(['a fox', 'a hen'].map((prompt) => provider.prepare({ ...REQUEST, prompt }, { signal })));
    await provider.prepare(REQUEST, { signal });
    expect(service.arrived.map(nameOf)).toEqual([TIME]);
    expect((await provider.times()).there).toBe(there);
  });

  it('is no reason to wait before an order: where nothing may be asked for now, the time stays unknown', async () => {
    const limiter: RequestLimiter = {
      permit: async () => ({ granted: false, until: MANUAL_CLOCK_START + 20_000, reported: true }),
      learn: async () => undefined,
    };
    const memory = createPlainWireMemory({ dialect: 'generate' });
    const { provider, service, clock } = await start(() => ({ body: job() }), { memory, limiter });
    await provider.prepare(REQUEST, { signal: new AbortController().signal });
    expect([service.arrived, clock.slept]).toEqual([[], []]);
  });

  it.each<[string, Script, string[], string]>([
    ['generate', schemaService(ONLY_IMAGE, ROOT), ['generate', 'generateImage'], 'generateImage'],
    ['generateImage', schemaService(GENERATE, ROOT), ['generateImage', 'generate'], 'generate'],
    ['rest', schemaService(ONLY_IMAGE, ROOT), [BY_REST, 'generateImage'], 'generateImage'],
    ['rest', schemaService(ONLY_IMAGE, ROOT, secretive), [BY_REST, 'generate', 'generateImage'], 'generateImage'],
    [
      'generateImage',
      ({ path }) => (path === '/graphql' ? { status: 404 } : rest()),
      ['generateImage', BY_REST],
      'rest',
    ],
  ])('is given up when it does not fit any more: %s', async (dialect, script, dialects, then) => {
    const memory = createPlainWireMemory({ dialect, leftOut: ['version'], reading: 'rest' });
    const { submit, ordered } = await start(script, { memory });
    await submit();
    expect(ordered()).toEqual(dialects);
    expect(memory.known()).toMatchObject({ dialect: then, leftOut: [], reading: 'rest' });
  });

  it('is not given up because an order is refused', async () => {
    const memory = createPlainWireMemory({ dialect: 'generateImage' });
    const { failure, ordered } = await start(() => ({ status: 402 }), { memory });
    expect((await failure()).kind).toBe('no_credits');
    expect(ordered()).toEqual(['generateImage']);
    expect(memory.known()).toEqual({ dialect: 'generateImage' });
  });
});

describe('a configured dialect', () => {
  it.each<[DoitongSettings['dialect'], Script, string]>([
    ['generate', schemaService(ONLY_IMAGE, ROOT, { rest }), 'generate'],
    ['generateImage', schemaService(GENERATE, ROOT, { rest }), 'generateImage'],
    ['generate', ({ path }) => (path === '/graphql' ? { status: 404 } : rest()), 'generate'],
    ['rest', schemaService(GENERATE, ROOT), BY_REST],
  ])('is never left, whatever is known: %s', async (dialect, script, expected) => {
    for (const known of ['generate', 'generateImage', 'rest']) {
      const { failure, ordered } = await start(script, { dialect, memory: createPlainWireMemory({ dialect: known }) });
      const reported = await failure();
      expect(reported).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'no', retry: 'no' });
      expect(wordsOf(reported).next).toContain(`DOITONG_DIALECT to auto (it is ${dialect})`);
      expect(ordered()).toEqual([expected]);
    }
  });

  it('orders by generateImage with its own names', async () => {
    const { provider, orders } = await start(schemaService(ONLY_IMAGE, ROOT), { dialect: 'generateImage' });
    await provider.submit({ ...REQUEST, version: 'flux-pro' }, 'key-1', unmarked());
    const { width, height, prompt } = REQUEST;
    expect(orders()[0]?.variables).toEqual({
      input: { service: 'flux-pro', prompt, width, height, version: 'flux-pro' },
    });
    expect(orders()[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('orders by REST with a header of its own for the key', async () => {
    const { provider, orders, service } = await start([rest()], { dialect: 'rest' });
    expect(await provider.submit({ ...REQUEST, version: 'flux-pro' }, 'key-1', unmarked())).toEqual({
      remoteId: 'job-1',
      phase: 'processing',
      remoteStatus: 'processing',
    });
    const [order] = orders();
    const { width, height, prompt } = REQUEST;
    expect(order).toMatchObject({ method: 'POST', path: '/v1/text_to_image' });
    expect(order?.body).toEqual({ service: 'flux-pro', prompt, width, height, version: 'flux-pro' });
    expect(order?.headers).toMatchObject({
      'x-api-key': KEY,
      'idempotency-key': 'key-1',
      'content-type': 'application/json',
      connection: 'close',
    });
    expect(order?.headers).not.toHaveProperty('authorization');
    expect(service.arrived).toHaveLength(1);
  });

  it.each<[number, unknown, Partial<Failure>]>([
    [402, { id: 'req_1', error: 'Insufficient credits', status: 'error' }, { kind: 'no_credits', creditsSpent: 'no' }],
    [500, { ...MADE }, { kind: 'service_error', creditsSpent: 'maybe' }],
    [200, { status: 'processing' }, { kind: 'ambiguous', creditsSpent: 'maybe' }],
    [200, { error: { message: 'Out', code: 'INSUFFICIENT_CREDITS' } }, { kind: 'no_credits', creditsSpent: 'no' }],
    [400, errors({ message: 'Unknown type "GenerateInput".' }), { kind: 'bad_input', creditsSpent: 'no' }],
  ])('by REST takes no job from %i %j', async (status, body, expected) => {
    const { failure } = await start(() => ({ status, body }), { dialect: 'rest' });
    expect(await failure()).toMatchObject(expected);
  });
});
