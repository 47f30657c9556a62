/** Input that is not the JSON-RPC that a server hopes for: each request that can be read is answered, once. */
import { afterAll, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { jsonRpcLines, RawHost, type RpcMessage } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

let program: RunningProgram;
let host: RawHost;
const running = new Map<string, { program: RunningProgram; host: RawHost }>();

/** One program for each version, as long as it lives: the tests only use ids of their own. */
async function start(protocolVersion = '2025-06-18'): Promise<void> {
  const known = running.get(protocolVersion);
  if (known?.program.child.exitCode === null) {
    ({ program, host } = known);
    return;
  }
  program = await packed.start(['serve', '--sandbox', '--log-level', 'error']);
  host = new RawHost(program);
  running.set(protocolVersion, { program, host });
  expect((await host.handshake(protocolVersion)).result?.protocolVersion).toBe(protocolVersion);
}

/** All that was answered to these lines, in any order; a ping behind them shows that nothing more comes. */
async function answersTo(...lines: (string | Buffer | Record<string, unknown>)[]): Promise<RpcMessage[]> {
  const before = jsonRpcLines(program.stdout()).length;
  for (const line of lines) {
    if (Buffer.isBuffer(line)) program.child.stdin.write(Buffer.concat([line, Buffer.from('\n')]));
    else host.send(line);
  }
  const ping = host.request('ping');
  host.send(ping);
  await host.answer(ping.id);
  return jsonRpcLines(program.stdout())
    .slice(before)
    .filter(({ id, method }) => id !== ping.id && method === undefined);
}

const ping = (more: Record<string, unknown>) => ({ jsonrpc: '2.0', method: 'ping', ...more });

describe('a request that is wrong', () => {
  it.each([
    ['params null', ping({ id: 'a', params: null }), 'a', -32600],
    ['params an array', ping({ id: 'a', params: [] }), 'a', -32600],
    ['params text', ping({ id: 'a', params: 'x' }), 'a', -32600],
    ['params a number', ping({ id: 0, params: 7 }), 0, -32600],
    ['params true', ping({ id: 'a', params: true }), 'a', -32600],
    ['an id of null', ping({ id: null }), null, -32600],
    ['an id of 1.5', ping({ id: 1.5 }), 1.5, -32600],
    ['an id of true', ping({ id: true }), null, -32600],
    ['an id that is an object', ping({ id: {} }), null, -32600],
    ['an id that is an array', ping({ id: [1] }), null, -32600],
    ['an id beyond 2^53', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', null, -32600],
    ['an id beyond all numbers', '{"jsonrpc":"2.0","id":1e999,"method":"ping"}', null, -32600],
    ['jsonrpc 1.0', { jsonrpc: '1.0', id: 'a', method: 'ping' }, 'a', -32600],
    ['no jsonrpc', { id: 'a', method: 'ping' }, 'a', -32600],
    ['a method that is a number', { jsonrpc: '2.0', id: 'a', method: 7 }, 'a', -32600],
    ['no method', { jsonrpc: '2.0', id: 'a' }, 'a', -32600],
    ['a result too', ping({ id: 'a', result: {} }), 'a', -32600],
    ['an error too', ping({ id: 'a', error: { code: 1, message: 'x' } }), 'a', -32600],
    ['_meta that is no object', ping({ id: 'a', params: { _meta: 5 } }), 'a', -32602],
    ['a progress token that is an object', ping({ id: 'a', params: { _meta: { progressToken: {} } } }), 'a', -32602],
  ])('is answered once with an error: %s', async (_, message, id, code) => {
    await start();
    const answers = await answersTo(message);
    expect(answers.map((answer) => [answer.id, answer.error?.code])).toEqual([[id, code]]);
  });

  it.each([
    ['a cut line', '{"jsonrpc":"2.0","id":7,"method":"tools/li', null, -32700],
    ['a word', 'hello', null, -32700],
    ['two messages on a line', '{"jsonrpc":"2.0","id":7,"method":"ping"}{}', null, -32700],
    ['UTF-16', Buffer.from('{"jsonrpc":"2.0","id":7,"method":"ping"}', 'utf16le'), null, -32700],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":"\xe4"}}', 'latin1'),
      7,
      -32700,
    ],
    ['null', 'null', null, -32600],
    ['a text', '"ping"', null, -32600],
    ['an empty batch', '[]', null, -32600],
    ['an object of another kind', '{"foo":"bar"}', null, -32600],
  ])('is answered with an error where it is no message at all: %s', async (_, line, id, code) => {
    await start();
    const answers = await answersTo(line);
    expect(answers.map((answer) => [answer.id, answer.error?.code])).toEqual([[id, code]]);
  });
});

describe('what has no answer', () => {
  it.each([
    ['a blank line', ''],
    ['a line of blanks', ' \t\r'],
    ['a notification nobody knows', '{"jsonrpc":"2.0","method":"notifications/unheard_of"}'],
    ['a notification with wrong params', '{"jsonrpc":"2.0","method":"notifications/initialized","params":null}'],
    ['a notification of JSON-RPC 1.0', '{"jsonrpc":"1.0","method":"notifications/initialized"}'],
    ['a request without an id', '{"jsonrpc":"2.0","method":"tools/list"}'],
    ['an answer nobody asked for', '{"jsonrpc":"2.0","id":99,"result":{}}'],
    ['an error nobody asked for', '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"x"}}'],
    ['an answer with result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}'],
  ])('gets none: %s', async (_, line) => {
    await start();
    expect(await answersTo(line)).toEqual([]);
  });
});

describe('a request that is unusual', () => {
  it.each([
    ['with a long id', ping({ id: 'x'.repeat(100_000) })],
    ['with an empty id', ping({ id: '' })],
    ['with a negative id', ping({ id: -5 })],
    ['with the largest id', ping({ id: Number.MAX_SAFE_INTEGER })],
    ['with half a surrogate as id', ping({ id: '\ud800' })],
    [
      'with params nested 50,000 deep',
      `{"jsonrpc":"2.0","id":"deep","method":"ping","params":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    ],
    ['with members of its own', ping({ id: 'own', traceparent: '00-1' })],
    ['between carriage returns', '\r{"jsonrpc":"2.0","id":"cr","method":"ping"}\r'],
    ['behind a byte order mark', '\ufeff{"jsonrpc":"2.0","id":"bom","method":"ping"}'],
  ])('is answered as any other: %s', async (_, message) => {
    await start();
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    const sent = JSON.parse(text.replace('\ufeff', '')) as RpcMessage;
    const answers = await answersTo(message);
    expect(answers).toEqual([{ jsonrpc: '2.0', id: sent.id, result: {} }]);
  });

  it('is refused while another one with its id is open, and the other goes on', async () => {
    await start();
    const call = { name: 'generate_image', arguments: { prompt: 'A heron', width: 256, height: 256 } };
    host.send(
      { jsonrpc: '2.0', id: 'twice', method: 'tools/call', params: call },
      { jsonrpc: '2.0', id: 'twice', method: 'ping' },
    );
    await host.waitFor('the picture', ({ id, result }) => id === 'twice' && result !== undefined);
    const answers = jsonRpcLines(program.stdout()).filter(({ id }) => id === 'twice');
    expect(answers.map(({ error }) => error?.code)).toEqual([-32600, undefined]);
    expect(answers[1]?.result).toHaveProperty('content');
    // Once answered the id is free again.
    expect(await answersTo(ping({ id: 'twice' }))).toEqual([{ jsonrpc: '2.0', id: 'twice', result: {} }]);
  });

  it('is read behind a byte order mark that opens the input', async () => {
    program = await packed.start(['serve', '--sandbox']);
    host = new RawHost(program);
    const initialize = host.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'marked', version: '1' },
    });
    host.send(`\ufeff${JSON.stringify(initialize)}\r`);
    expect((await host.answer(initialize.id)).result).toHaveProperty('serverInfo');
  });
});

describe('a call', () => {
  const serve = async (name: string, args: unknown): Promise<RpcMessage> =>
    host.ask('tools/call', { name, arguments: args });

  it('is served as a workflow program writes it: all as text, gaps filled in, and more of its own', async () => {
    await start();
    const own = { toolCallId: 'call_1', sessionId: 's', action: 'sendMessage', chatInput: 'draw a heron' };
    const one = { prompt: 'A heron', width: '256', height: '256', aspect_ratio: '', version: null, ...own };
    expect(JSON.stringify(await serve('generate_image', one))).toContain('The picture is finished and saved.');
    const images = JSON.stringify([{ prompt: 'A heron', width: 256, height: 256, file_name: null }]);
    const { result } = await serve('generate_images', { images, style: '', wait_seconds: '30', ...own });
    expect(JSON.stringify(result)).toContain('1 of 1 picture is finished.');
    expect(JSON.stringify(result)).toContain('not paid again');
    expect((await serve('list_jobs', { status: null, limit: '1', cursor: '', ...own })).result).not.toHaveProperty(
      'isError',
    );
  });

  it('is refused in a few words when a text hides millions of levels', async () => {
    await start();
    const { result } = await serve('generate_images', { images: '['.repeat(4_000_000) });
    expect(result?.isError).toBe(true);
    expect(JSON.stringify(result).length).toBeLessThan(2_000);
    expect(JSON.stringify(result)).toContain('must be a list of 1 to 50 entries');
  });
});

describe('a batch', () => {
  const entries = [
    ping({ id: 'one' }),
    ping({}),
    { jsonrpc: '2.0', id: 'two', method: 'nobody/knows' },
    7,
    ping({ id: 'three', params: null }),
    { jsonrpc: '2.0', id: 'four', method: 'initialize', params: {} },
  ];

  it('is answered in one array by protocol 2025-03-26, each request once', async () => {
    await start('2025-03-26');
    const answers = await answersTo(JSON.stringify(entries));
    const found = new Map(answers.map((answer) => [answer.id, answer.error?.code ?? answer.result]));
    expect(answers).toHaveLength(5);
    expect(found).toEqual(
      new Map<unknown, unknown>([
        ['one', {}],
        ['two', -32601],
        [null, -32600],
        ['three', -32600],
        ['four', -32600],
      ]),
    );
    expect(
      program
        .stdout()
        .split('\n')
        .filter((line) => line.startsWith('[')),
    ).toHaveLength(1);
    expect(await answersTo(JSON.stringify([ping({}), ping({})]))).toEqual([]);
  });

  it.each(['2024-11-05', '2025-06-18', '2025-11-25'])(
    'is refused, each request once, by protocol %s',
    async (version) => {
      await start(version);
      const answers = await answersTo(JSON.stringify(entries.slice(0, 3)));
      expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
        ['one', -32600],
        ['two', -32600],
      ]);
      // An entry that cannot be served has an id as well.
      const wrong = await answersTo(JSON.stringify([ping({ id: 'a' }), ping({ id: 'b', params: null }), { id: 'c' }]));
      expect(wrong.map(({ id, error }) => [id, error?.code])).toEqual([
        ['a', -32600],
        ['b', -32600],
        ['c', -32600],
      ]);
      const none = await answersTo(JSON.stringify([ping({})]));
      expect(none.map(({ id, error }) => [id, error?.code])).toEqual([[null, -32600]]);
    },
  );
});

describe('a line of more than 10 MiB', () => {
  it('ends the server in order, with an answer and one line in the log', async () => {
    await start('2024-11-05');
    const line = JSON.stringify(ping({ id: 'large', params: { x: 'x'.repeat(11 * 1024 * 1024) } }));
    program.child.stdin.write(`${line}\n`);
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    const { id, error } = jsonRpcLines(program.stdout()).at(-1) ?? {};
    expect({ id, code: error?.code }).toEqual({ id: null, code: -32700 });
    expect(program.stderr().trim().split('\n')).toEqual([expect.stringMatching(/ ERROR .*longer than 10 MiB/)]);
  });

  it('is not what many lines of a megabyte are', async () => {
    await start();
    const large = (id: number) => ping({ id: `large-${id}`, params: { x: 'x'.repeat(1024 * 1024) } });
    const answers = await answersTo(...Array.from({ length: 15 }, (_, id) => large(id)));
    expect(answers).toHaveLength(15);
  });
});
