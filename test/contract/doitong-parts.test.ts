/** Proves what becomes of the parts of an order that a service lacks: left out with a warning, moved, or named. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { ImageRequest } from '../../src/core/image-request.ts';
import type { DoitongSettings } from '../../src/doitong/doitong-provider.ts';
import { schemaService } from '../unit/doitong/schema-service.ts';
import {
  type Arrived,
  errors,
  type Harness,
  KEY,
  REQUEST,
  type Script,
  startHarness,
  unmarked,
} from '../unit/doitong/scripted-service.ts';
import { failureSentences } from '../../src/mcp/failure-text.ts';
import { wordsOf } from '../support/words.ts';

const HOOK = 'https://example.test/hook';
const MADE = { id: 'job-1', status: 'processing', url: null };
const ROOT = { generate: () => MADE, generateImage: () => MADE };
const FULL: ImageRequest = { ...REQUEST, version: 'flux-pro-1.1', quality: 'high' };
const OPTIONAL = ['version', 'quality', 'webhookUrl'];

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

type Options = Partial<DoitongSettings> & { webhookUrl?: string | undefined };

async function start(script: Script, options: Options = {}) {
  const { webhookUrl, ...settings } = { webhookUrl: HOOK, ...options };
  harness = await startHarness(script, { settings });
  const { provider, service, lines, memory } = harness;
  const submit = (key = 'key-1', request = FULL) =>
    provider.submit(request, key, webhookUrl === undefined ? unmarked() : { ...unmarked(), webhookUrl });
  return {
    provider,
    submit,
    memory,
    failure: async (): Promise<Failure> => {
      const error: unknown = await submit().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FluxError);
      return (error as FluxError).failure;
    },
    inputs: () => service.arrived.filter(isOrder).map(inputOf),
    asked: () => service.arrived.filter(({ query }) => query.includes('__schema')).length,
    /** The parts that warnings name, one for each warning. */
    warnings: () => lines.flatMap((line) => /^warn .*"part":"(\w+)"/u.exec(line)?.[1] ?? []),
    text: () => lines.join('\n'),
  };
}
const isOrder = ({ method, query }: Arrived): boolean => method === 'POST' && !/__(?:schema|typename)/u.test(query);
const inputOf = ({ body, variables }: Arrived): unknown =>
  (variables as { input?: unknown } | undefined)?.input ?? body;

type Fields = { top?: string; options?: string; types?: string };
const generate = ({ top = 'webhookUrl: String', options = 'version: String quality: String', types = '' }: Fields) => `
  type Job { id: ID! status: String! url: String creditCost: Int createdAt: String }
  enum Kind { IMAGE } input Text { text: String! } ${types}
  input Options { width: Int height: Int ${options} }
  input GenerateInput { type: Kind! provider: String! input: Text! options: Options ${top} }
  type Query { ping: String } type Mutation { generate(input: GenerateInput!): Job }`;
const STRICT = generate({ top: '', options: '' });
const bare = { type: 'IMAGE', provider: 'flux-pro', input: { text: REQUEST.prompt } };
const { width, height } = REQUEST;

/** Says no in its own words, so that only its schema says why. */
const inOwnWords = (script: Script): Script => {
  return (arrived, count) => {
    const step = typeof script === 'function' ? script(arrived, count) : {};
    const refused = isOrder(arrived) && 'status' in step && step.status === 400;
    return refused ? { status: 400, body: errors({ message: 'Computer says no', code: 'BAD_USER_INPUT' }) } : step;
  };
};

describe('optional parts that the service does not know', () => {
  it.each<[string, Script, number]>([
    // The webhook's address is tried among the options once.
    ['by its messages', schemaService(STRICT, ROOT, { introspection: false }), 4],
    ['by its schema', inOwnWords(schemaService(STRICT, ROOT)), 2],
  ])('are left out %s, with one warning each, and from the start the next time', async (_, script, orders) => {
    const test = await start(script);
    expect((await test.submit()).remoteId).toBe('job-1');
    await test.submit('key-2');
    expect(test.inputs().at(-1)).toEqual({ ...bare, options: { width, height } });
    expect(test.inputs().at(-2)).toEqual(test.inputs().at(-1));
    expect(test.warnings().sort()).toEqual([...OPTIONAL].sort());
    expect(test.inputs()).toHaveLength(orders);
    expect(test.asked()).toBe(1);
    expect(test.memory.known()).toMatchObject({ leftOut: expect.arrayContaining(['options.version']) });
  });

  it('are named in the answer, so that the user knows', async () => {
    const { submit } = await start(schemaService(STRICT, ROOT));
    expect((await submit()).leftOut).toEqual(['version', 'quality', 'webhookUrl']);
    await harness?.close();
    const whole = await start(schemaService(generate({}), ROOT));
    expect((await whole.submit()).leftOut).toBeUndefined();
  });

  it('are left out of generateImage, too', async () => {
    const sdl = `type Job { id: ID! status: String! url: String createdAt: String } type Query { ping: String }
      input ImageGenerationInput { service: String! prompt: String! width: Int height: Int }
      type Mutation { generateImage(input: ImageGenerationInput!): Job }`;
    const script = schemaService(sdl, ROOT, { introspection: false });
    const test = await start(script, { dialect: 'generateImage' });
    await test.submit();
    expect(test.inputs()).toHaveLength(2);
    expect(test.inputs().at(-1)).toEqual({ service: 'flux-pro', prompt: REQUEST.prompt, width, height });
    expect(test.warnings().sort()).toEqual([...OPTIONAL].sort());
  });

  it('have no place in the other dialects: the quality is never sent there, and that is logged once', async () => {
    const test = await start(() => ({ body: MADE }), { dialect: 'rest' });
    await test.submit();
    await test.submit('key-2');
    await test.submit('key-3', REQUEST);
    expect(test.inputs()[0]).toEqual({
      service: 'flux-pro',
      prompt: REQUEST.prompt,
      width,
      height,
      version: 'flux-pro-1.1',
      webhookUrl: HOOK,
    });
    expect(test.warnings()).toEqual(['quality']);
  });

  it('are not missed where nobody asked for them', async () => {
    const test = await start(schemaService(STRICT, ROOT), { webhookUrl: undefined });
    await test.submit('key-1', REQUEST);
    expect(test.inputs()).toHaveLength(1);
    expect(test.warnings()).toEqual([]);
  });

  it.each<[string, Script, number]>([
    ['by then', inOwnWords(schemaService(STRICT, ROOT)), 2],
    ['then', schemaService(STRICT, ROOT, { introspection: false }), 3],
  ])('that only a later order has are found out %s', async (_, script, orders) => {
    const test = await start(script, { webhookUrl: undefined });
    await test.submit('key-1', REQUEST);
    await test.submit('key-2');
    expect(test.inputs()).toHaveLength(orders);
    expect(test.inputs().at(-1)).toEqual({ ...bare, options: { width, height } });
  });

  it('or values of them that it writes differently are written its way', async () => {
    const types = 'enum Version { FLUX_PRO FLUX_PRO_1_1 }';
    const test = await start(schemaService(generate({ types, options: 'version: Version quality: String' }), ROOT));
    await test.submit();
    await test.submit('key-2');
    const version = 'FLUX_PRO_1_1';
    expect(test.inputs().at(-1)).toMatchObject({ options: { width, height, version, quality: 'high' } });
    expect(test.warnings()).not.toContain('quality');
  });
});

describe("the webhook's address", () => {
  const inOptions = generate({ top: '', options: 'version: String quality: String webhookUrl: String' });

  it.each<[string, Script, unknown[]]>([
    ['by its messages', schemaService(inOptions, ROOT, { introspection: false }), [{ webhookUrl: HOOK }]],
    ['by its schema', inOwnWords(schemaService(inOptions, ROOT)), []],
  ])('moves to the options %s, stays there, and is no warning', async (_, script, refused) => {
    const test = await start(script);
    await test.submit();
    await test.submit('key-2');
    expect(test.inputs().slice(0, -2)).toMatchObject(refused);
    const options = { width, height, version: 'flux-pro-1.1', quality: 'high', webhookUrl: HOOK };
    expect(test.inputs().slice(-2)).toEqual([
      { ...bare, options },
      { ...bare, options },
    ]);
    expect(test.warnings()).toEqual([]);
    expect(test.memory.known()).toMatchObject({ webhookInOptions: true, leftOut: [] });
  });

  it('is the one of this order where it brings one', async () => {
    const test = await start(schemaService(generate({}), ROOT));
    await test.provider.submit(FULL, 'key-1', { ...unmarked(), webhookUrl: `${HOOK}/mine` });
    expect(test.inputs()[0]).toMatchObject({ webhookUrl: `${HOOK}/mine` });
  });

  it('is not sent where there is none', async () => {
    const test = await start(schemaService(generate({}), ROOT), { webhookUrl: undefined });
    await test.submit();
    expect(JSON.stringify(test.inputs())).not.toContain('webhook');
  });
});

describe('what cannot be left out', () => {
  const seed = generate({ options: 'version: String quality: String seed: Int!' });
  const withoutProvider = generate({}).replace('provider: String!', '');

  it.each<[string, Script, string]>([
    ['requires', schemaService(seed, ROOT), 'it requires "options.seed"'],
    [
      'requires, without its schema,',
      schemaService(seed, ROOT, { introspection: false }),
      'it requires "options.seed"',
    ],
    ['requires, in its own words,', inOwnWords(schemaService(seed, ROOT)), 'it requires "options.seed"'],
    [
      'requires next to the input',
      schemaService(generate({}).replace('(input: GenerateInput!)', '(input: GenerateInput!, team: ID!)'), ROOT),
      'it requires "(team)"',
    ],
    ['does not take', schemaService(withoutProvider, ROOT), 'it does not take "provider"'],
    [
      'does not take, without its schema,',
      schemaService(withoutProvider, ROOT, { introspection: false }),
      'it does not take "provider"',
    ],
  ])('is named when the service %s it: nothing is sent again, or elsewhere', async (_, script, words) => {
    const test = await start(script);
    const reported = await test.failure();
    expect(reported).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'no', retry: 'no', httpStatus: 400 });
    expect(wordsOf(reported).what).toContain(words);
    expect(failureSentences(reported)).toContain('No credits were spent.');
    expect(wordsOf(reported).next).toContain('DOITONG_DIALECT');
    expect(test.inputs()).toHaveLength(1);
  });

  it('is never named by a secret', async () => {
    const test = await start(schemaService(generate({ top: `${KEY}: Int!` }), ROOT));
    const reported = await test.failure();
    expect(wordsOf(reported).what).toContain('[redacted]');
    expect(`${JSON.stringify(reported)}${test.text()}`).not.toContain(KEY);
  });

  it('is the content: it is refused in the words of the service, and not repeated', async () => {
    const refusal = errors({ message: 'width must be a multiple of 8', code: 'BAD_USER_INPUT' });
    const schema = schemaService(generate({}), ROOT);
    const script: Script = (arrived, count) =>
      isOrder(arrived) ? { status: 400, body: refusal } : typeof schema === 'function' ? schema(arrived, count) : {};
    const test = await start(script);
    for (let time = 0; time < 2; time += 1) {
      const reported = await test.failure();
      expect(reported).toMatchObject({ kind: 'bad_input', creditsSpent: 'no', retry: 'no' });
      expect(wordsOf(reported).what).toContain('width must be a multiple of 8');
    }
    expect(test.inputs()).toHaveLength(2);
    expect(test.asked()).toBe(1);
    expect(test.warnings()).toEqual([]);
  });
});
