/** The protocol on the packed program's stdout: nothing else stands there, whatever comes in and whatever goes wrong. */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { TOOLS } from '../../src/mcp/catalogue.ts';
import { listTools } from '../../src/mcp/tool-listing.ts';
import { type Home, type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { jsonRpcLines, RawHost, textOf } from '../support/raw-host.ts';
import { printedIn } from '../support/scripted-service.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const TOOL_NAMES = TOOLS.map(({ name }) => name);
const STACK = /^\s+at .+:\d+:\d+\)?$/m;

async function end(program: RunningProgram): Promise<void> {
  program.child.stdin.end();
  expect(await program.exit).toMatchObject({ code: 0, signal: null });
  expect(program.stderr()).not.toMatch(STACK);
  jsonRpcLines(program.stdout());
}

describe.concurrent('stdout', () => {
  it('holds JSON-RPC alone while a picture is made, its progress strictly increasing', async () => {
    const program = await packed.start(['serve', '--sandbox', '--log-level', 'debug']);
    const host = new RawHost(program);
    expect((await host.handshake()).result).toMatchObject({ serverInfo: { name: 'flux-pro-mcp' } });
    expect(await host.toolNames()).toEqual(TOOL_NAMES);
    const args = { prompt: 'A heron in the reeds, morning fog', width: 256, height: 256 };
    const answer = await host.call('generate_image', args, 'steps');
    expect(answer.isError ?? false).toBe(false);
    expect(textOf(answer)).toContain('finished and saved');
    // The default folder, under the user's home.
    expect(textOf(answer)).toContain(`File: ${join(program.home.env.HOME ?? '', 'Pictures', 'flux-pro')}`);
    await end(program);

    const messages = jsonRpcLines(program.stdout());
    const steps = messages.filter(({ method }) => method === 'notifications/progress');
    const values = steps.map(({ params }) => params?.progress as number);
    expect(values.length).toBeGreaterThanOrEqual(3);
    for (const [index, value] of values.entries()) expect(value).toBeGreaterThan(values[index - 1] ?? -1);
    expect(new Set(steps.map(({ params }) => params?.progressToken))).toEqual(new Set(['steps']));
    expect(messages.at(-1)?.result).toEqual(answer);
    // The log is on, and on the other stream.
    expect(program.stderr()).toMatch(/^\S+Z INFO ending /m);
  });

  it('holds JSON-RPC alone when calls fail without a key', async () => {
    const program = await packed.start(['--log-level', 'debug']);
    const host = new RawHost(program);
    await host.handshake();
    expect(await host.toolNames()).toEqual(TOOL_NAMES);
    const answer = await host.call('generate_image', { prompt: 'A heron' });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain('DOITONG_API_KEY');
    expect(textOf(answer)).toContain('--sandbox');
    const misspelt = await host.call('generate_image', { promt: 'A heron' });
    expect(misspelt.isError).toBe(true);
    expect(textOf(misspelt)).toContain('promt');
    expect((await host.ask('tools/call', { name: 'paint', arguments: {} })).error?.message).toContain('paint');
    expect((await host.ask('resources/read', { uri: 'flux://images/none' })).error?.code).toBe(-32002);
    await end(program);
  });
});

describe.concurrent('the server lives on', () => {
  it('and answers two requests that came in one write', async () => {
    const program = await packed.start([]);
    const host = new RawHost(program);
    await host.handshake();
    const [list, ping] = [host.request('tools/list'), host.request('ping')];
    host.send(list, ping);
    // The build renders the list: it must be what the source answers.
    expect((await host.answer(list.id)).result?.tools).toEqual(JSON.parse(JSON.stringify(listTools())));
    expect((await host.answer(ping.id)).result).toEqual({});
    await end(program);
  });

  it('after lines that are no JSON-RPC, also before the handshake', async () => {
    const program = await packed.start(['--log-level', 'debug']);
    const host = new RawHost(program);
    const rubbish = [
      'hello',
      '',
      '{"jsonrpc":"2.0"',
      '{"not":"rpc"}',
      '[]',
      'null',
      '"\u0000"',
      '{"jsonrpc":"1.0","id":"refused"}',
    ];
    host.send(...rubbish);
    expect((await host.handshake()).result).toMatchObject({ serverInfo: { name: 'flux-pro-mcp' } });
    for (const line of rubbish) {
      host.send(line);
      expect((await host.ask('ping')).result, line).toEqual({});
    }
    await end(program);
  });

  it('after a method that it does not know', async () => {
    const program = await packed.start(['--log-level', 'debug']);
    const host = new RawHost(program);
    await host.handshake();
    expect((await host.ask('pictures/paint', { prompt: 'x' })).error?.code).toBe(-32601);
    host.send({ jsonrpc: '2.0', method: 'notifications/unheard_of' });
    host.send({ jsonrpc: '2.0', id: 'nobody asked', result: {} });
    expect(await host.toolNames()).toEqual(TOOL_NAMES);
    await end(program);
  });

  it('when stderr has been closed and there is something to log', async () => {
    const program = await packed.start(['--log-level', 'debug']);
    const host = new RawHost(program);
    await host.handshake();
    program.child.stderr.destroy();
    host.send('no JSON', '{"jsonrpc":"2.0"', 'again');
    expect(await host.toolNames()).toEqual(TOOL_NAMES);
    const answer = await host.call('generate_image', { prompt: 'A heron' });
    expect(answer.isError).toBe(true);
    await end(program);
  });
});

/** Paths with the time of their last change: what was made and removed again shows in its folder's time. */
async function traces(home: Home): Promise<string[]> {
  const paths = await readdir(home.folder, { recursive: true });
  const all = ['', ...paths].sort();
  return Promise.all(all.map(async (path) => `${path} ${(await stat(join(home.folder, path))).mtimeMs}`));
}

describe.concurrent('starting', () => {
  it('and listing leaves no trace on the disk and asks nobody', async () => {
    let connections = 0;
    const service = createServer().on('connection', (socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const home = await packed.newHome();
    const before = await traces(home);
    const env = {
      DOITONG_API_URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
      DOITONG_API_KEY: 'a-key-for-nobody',
      FLUX_OUTPUT_DIR: join(home.folder, 'user/out'),
    };
    for (const flags of [[], ['--sandbox']]) {
      const program = await packed.start(['serve', ...flags], { home, env });
      const host = new RawHost(program);
      await host.handshake();
      expect(await host.toolNames()).toEqual(TOOL_NAMES);
      await host.ask('resources/list');
      await host.ask('resources/templates/list');
      await end(program);
      expect(printedIn(program.stderr())).toEqual([]);
    }
    service.close();
    expect(await traces(home)).toEqual(before);
    expect(connections).toBe(0);
  });
});

describe.concurrent('the key', () => {
  const KEY = 'doitong-live-8842f0c1d97be35a';

  it.each(['environment', 'file'])('from the %s shows nowhere when the service refuses it', async (source) => {
    const sandbox = await startSandbox();
    try {
      const home = await packed.newHome();
      const file = join(home.folder, 'user/key');
      await writeFile(file, `${KEY}\n`);
      const env = {
        DOITONG_API_URL: sandbox.url,
        ...(source === 'file' ? { DOITONG_API_KEY_FILE: file } : { DOITONG_API_KEY: KEY }),
      };
      const program = await packed.start(['--log-level', 'debug'], { home, env });
      const host = new RawHost(program);
      await host.handshake();
      const args = { prompt: `My key is ${KEY}`, file_name: KEY };
      const answer = await host.call('generate_image', args);
      expect(answer.isError).toBe(true);
      expect(textOf(answer)).toMatch(/key/i);
      await host.call('check_rate_limits', { refresh: true });
      await end(program);
      // It was sent, to the one who may see it, and refused.
      expect(sandbox.inspect().requests.map(({ httpStatus }) => httpStatus)).toContain(401);
      expect(sandbox.inspect().charges).toEqual([]);
      for (const output of [program.stdout(), program.stderr()]) {
        expect(output).not.toContain(KEY);
        expect(output).not.toContain(Buffer.from(KEY).toString('base64').slice(0, 20));
      }
    } finally {
      await sandbox.close();
    }
  });

  it('shows nowhere when a broken message brings it into the log', async () => {
    const program = await packed.start(['--log-level', 'debug'], { env: { DOITONG_API_KEY: KEY } });
    const host = new RawHost(program);
    await host.handshake();
    // The complaint about it names the method.
    host.send({ jsonrpc: '2.0', method: KEY, params: null });
    expect((await host.ask('ping')).result).toEqual({});
    await end(program);
    expect(program.stderr()).toContain('[redacted]');
    expect(program.stderr()).not.toContain(KEY);
    expect(program.stdout()).not.toContain(KEY);
  });
});
