/** Wrong parameters outside of tools, and what goes wrong inside of reading: errors in words, with the right code. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { envelope, RawHost, type RpcMessage } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

/** What a validator prints for developers. */
const DUMP = /"code"|"path"|invalid_type|\n/;
const INVALID = -32602;

type Ask = (method: string, params?: Record<string, unknown>) => Promise<RpcMessage>;

const COMPOSE = 'compose_image_prompt';
const completion = (ref: unknown, argument: unknown) => ['completion/complete', { ref, argument }] as const;
/** A method, its parameters, and what the error says. */
type Wrong = readonly [string, Record<string, unknown>, ...RegExp[]];
const WRONG: readonly Wrong[] = [
  ['resources/read', {}, /uri is missing/],
  ['resources/read', { uri: 5 }, /uri: expected string, received number/],
  ['resources/read', { uri: null }, /uri/],
  ['resources/read', { uri: ['flux://limits'] }, /uri/],
  ['prompts/get', {}, /name is missing/],
  ['prompts/get', { name: 7 }, /name/],
  ['prompts/get', { name: 'nothing' }, /There is no prompt "nothing"/, /compose_image_prompt/],
  ['prompts/get', { name: COMPOSE }, /needs the argument subject/],
  ['prompts/get', { name: COMPOSE, arguments: { subject: 5 } }, /arguments\.subject/],
  ['prompts/get', { name: COMPOSE, arguments: { subject: null } }, /arguments\.subject/],
  ['prompts/get', { name: COMPOSE, arguments: ['a heron'] }, /arguments/],
  ['prompts/get', { name: COMPOSE, arguments: 'a heron' }, /arguments/],
  ['prompts/get', { name: COMPOSE, arguments: { subject: 'a heron', sytle: 'x' } }, /no argument of compose/],
  ['completion/complete', {}, /ref/, /argument/],
  [
    ...completion({ type: 'ref/prompt', name: 'nothing' }, { name: 'style', value: '' }),
    /There is no prompt "nothing"/,
  ],
  [
    ...completion({ type: 'ref/prompt', name: COMPOSE }, { name: 'sytle', value: '' }),
    /no argument of compose/,
    /style/,
  ],
  [
    ...completion({ type: 'ref/resource', uri: 'flux://nothing/{id}' }, { name: 'id', value: '' }),
    /no resource template/,
  ],
  [...completion({ type: 'ref/resource', uri: 'flux://jobs/{job_id}' }, { name: 'id', value: '' }), /job_id/],
  [...completion({ type: 'ref/tool', name: 'generate_image' }, { name: 'prompt', value: '' }), /ref/],
  [...completion({ type: 'ref/prompt', name: COMPOSE }, { name: 'style', value: 5 }), /argument\.value/],
  [...completion({ type: 'ref/prompt', name: COMPOSE }, 'style'), /argument/],
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'].flatMap((method) => [
    [method, { cursor: 'made up' }, /cursor: "made up" is not the nextCursor/] as const,
    [method, { cursor: '' }, /cursor/] as const,
    [method, { cursor: 5 }, /cursor/] as const,
    [method, { cursor: null }, /cursor/] as const,
    [method, { cursor: { page: 2 } }, /cursor/] as const,
  ]),
  ['tools/call', {}, /name is missing/],
  ['tools/call', { name: 5 }, /name/],
  ['tools/call', { name: 'paint' }, /There is no tool "paint"/],
  ['tools/call', { name: 'list_jobs', arguments: [] }, /arguments/],
];
const LEGACY_WRONG: readonly Wrong[] = [
  ['resources/subscribe', {}, /uri is missing/],
  ['resources/subscribe', { uri: 5 }, /uri/],
  ['resources/subscribe', { uri: 'flux://limits' }, /cannot be subscribed to/],
  ['resources/subscribe', { uri: 'flux://guide/prompting' }, /cannot be subscribed to/],
  ['resources/unsubscribe', {}, /uri is missing/],
  ['initialize', {}, /protocolVersion is missing/],
  ['initialize', { protocolVersion: 5, capabilities: {}, clientInfo: { name: 'x', version: '1' } }, /protocolVersion/],
];

async function open(version: string): Promise<Ask> {
  const host = new RawHost(await packed.start(['serve', '--sandbox']));
  if (version !== '2026-07-28') {
    await host.handshake(version);
    return (method, params) => host.ask(method, params);
  }
  return (method, params = {}) => host.ask(method, { ...params, ...envelope() });
}

describe.each([
  ['2024-11-05', [...WRONG, ...LEGACY_WRONG], -32002],
  ['2025-11-25', [...WRONG, ...LEGACY_WRONG], -32002],
  ['2026-07-28', WRONG, INVALID],
] satisfies [string, readonly Wrong[], number][])('protocol %s', (version, wrong, missing) => {
  let ask: Ask;
  beforeAll(async () => {
    ask = await open(version);
  });

  it.each(wrong.map(([method, params, ...words]) => ({ method, params, words })))(
    'says in words what is wrong with $method $params',
    async ({ method, params, words }) => {
      const { error } = await ask(method, params);
      expect(error?.code).toBe(INVALID);
      for (const word of words) expect(error?.message).toMatch(word);
      expect(error?.message).not.toMatch(DUMP);
    },
  );

  it.each(['flux://jobs/none', 'flux://images/none', 'flux://nothing', 'file:///etc/passwd', ''])(
    'has the right code for a resource that is not there: "%s"',
    async (uri) => {
      const { error } = await ask('resources/read', { uri });
      expect(error).toMatchObject({ code: missing, data: { uri } });
      if (version === '2026-07-28') return;
      const subscription = await ask('resources/subscribe', { uri });
      expect(subscription.error).toMatchObject({ code: missing, data: { uri } });
    },
  );

  it('does not know what the server does not offer', async () => {
    for (const method of ['logging/setLevel', 'roots/list', 'sampling/createMessage', 'tasks/list', 'nothing'])
      expect((await ask(method, { level: 'info' })).error?.code, method).toBe(-32601);
  });
});

describe('reading', () => {
  const KEY = 'doitong-live-55aa10c2d97be35a';

  it('shows no key that a client puts into a name', async () => {
    const program = await packed.start(['--log-level', 'debug'], { env: { DOITONG_API_KEY: KEY } });
    const host = new RawHost(program);
    await host.handshake();
    for (const [method, params] of [
      ['resources/read', { uri: `flux://jobs/${KEY}` }],
      ['resources/read', { uri: KEY }],
      ['resources/read', { uri: `${'x'.repeat(490)}${KEY}` }],
      ['resources/subscribe', { uri: KEY }],
      ['prompts/get', { name: KEY }],
      ['prompts/get', { name: COMPOSE, arguments: { [KEY]: 'x' } }],
      ['prompts/get', { name: COMPOSE, arguments: { [KEY]: 5 } }],
      completion({ type: 'ref/prompt', name: KEY }, { name: 'x', value: '' }),
      completion({ type: 'ref/resource', uri: KEY }, { name: 'x', value: '' }),
      ['tools/list', { cursor: KEY }],
      ['resources/list', { cursor: KEY }],
      ['tools/call', { name: KEY }],
    ] as const)
      expect((await host.ask(method, params)).error?.message, method).not.toMatch(/doitong-live/);
    for (const prompt of ['compose_image_prompt', 'review_image_prompt']) {
      const argument = prompt === COMPOSE ? 'subject' : 'prompt';
      const { result } = await host.ask('prompts/get', { name: prompt, arguments: { [argument]: `a heron ${KEY}` } });
      expect(JSON.stringify(result)).toContain('a heron [redacted]');
    }
    expect(program.stdout()).not.toContain('doitong-live');
    expect(program.stderr()).not.toContain('doitong-live');
  });

  it('says in words that a folder is in the way of a picture, and that no credits were spent', async () => {
    const program = await packed.start(['serve', '--sandbox']);
    const host = new RawHost(program);
    await host.handshake();
    const order = { prompt: 'A heron', width: 256, height: 256 };
    const answer = (await host.call('generate_image', order)) as { structuredContent?: { job_id?: string } };
    const { resources } = (await host.ask('resources/list')).result as { resources: { uri: string }[] };
    const uri = resources.find((resource) => resource.uri.startsWith('flux://images/'))?.uri ?? '';
    expect(answer).not.toHaveProperty('isError', true);
    const pictures = join(program.home.env.HOME ?? '', 'Pictures/flux-pro');
    for (const name of await readdir(pictures, { recursive: true })) {
      if (!name.endsWith('.jpg')) continue;
      await rm(join(pictures, name));
      await mkdir(join(pictures, name));
    }
    const { error } = await host.ask('resources/read', { uri });
    expect(error?.message).toMatch(/No credits were spent\./);
    expect(error?.message).not.toMatch(/illegal operation|may have been spent|^\s+at /m);
  });

  it('says in full why nothing can be read without a key', async () => {
    const host = new RawHost(await packed.start([], { env: { DOITONG_API_KEY_FILE: '/nowhere/key' } }));
    await host.handshake();
    const { error } = await host.ask('resources/read', { uri: 'flux://jobs/any' });
    expect(error).toMatchObject({ code: -32603 });
    expect(error?.message).toMatch(/DOITONG_API_KEY_FILE/);
    expect(error?.message).toMatch(/No credits were spent\./);
  });
});
