/** How the program ends: by end of input, a signal, a reader that left; soon, also while the service keeps a job waiting. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { jsonRpcLines, RawHost } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

/** Far less than the request takes that the service never answers, and no measure of the machine. */
const LIMIT_MS = 15_000;
const STACK = /^\s+at .+:\d+:\d+\)?$/m;
const ORDER = { name: 'generate_image', arguments: { prompt: 'A heron' }, _meta: { progressToken: 1 } };

const ENDINGS: Record<string, (program: RunningProgram) => void> = {
  'end of input': ({ child }) => child.stdin.end(),
  SIGINT: ({ child }) => child.kill('SIGINT'),
  SIGTERM: ({ child }) => child.kill('SIGTERM'),
  SIGHUP: ({ child }) => child.kill('SIGHUP'),
  'one signal after another': ({ child }) => {
    child.kill('SIGINT');
    child.kill('SIGTERM');
  },
};
const endings = Object.entries(ENDINGS);

/** A served program whose picture is being made. */
async function withJobInFlight(): Promise<RunningProgram> {
  const program = await packed.start(['serve', '--sandbox']);
  const host = new RawHost(program);
  await host.handshake();
  host.send(host.request('tools/call', ORDER));
  await host.waitFor('progress', ({ params }) => /being made/.test(String(params?.message)));
  return program;
}

type SilentService = { url: string; asked: Promise<void>; close: () => void };

/** Takes every request and never answers one. */
async function startSilentService(): Promise<SilentService> {
  let onRequest = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    onRequest = resolve;
  });
  const server = createServer(() => onRequest());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}

async function expectQuickEnd(program: RunningProgram, leave: (program: RunningProgram) => void): Promise<void> {
  const left = performance.now();
  leave(program);
  const { code, signal, at } = await program.exit;
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(at - left).toBeLessThan(LIMIT_MS);
  expect(program.stderr()).not.toMatch(STACK);
  jsonRpcLines(program.stdout());
}

describe.concurrent('the program ends by itself', () => {
  it.each(endings)('by %s with nothing to do', async (_, leave) => {
    const program = await packed.start([]);
    await new RawHost(program).handshake();
    await expectQuickEnd(program, leave);
    expect(program.stderr()).toBe('');
  });

  it.each(endings)('by %s with a picture being made', async (_, leave) => {
    const program = await withJobInFlight();
    await expectQuickEnd(program, leave);
    expect(program.stderr()).toBe('');
  });

  it.each(endings)('by %s with a request that the service never answers', async (_, leave) => {
    const service = await startSilentService();
    const env = { DOITONG_API_URL: service.url, DOITONG_API_KEY: 'a-key-for-nobody' };
    const program = await packed.start([], { env });
    const host = new RawHost(program);
    await host.handshake();
    host.send(host.request('tools/call', ORDER));
    await service.asked;
    await expectQuickEnd(program, leave);
    // Said of every address but the provider's own; nothing of the end.
    expect(program.stderr()).toMatch(/^\S+ WARN Orders and the key go to an address [^\n]*\n$/);
    service.close();
  });

  it('when the next answer finds nobody', async () => {
    const program = await packed.start([]);
    const host = new RawHost(program);
    await host.handshake();
    await expectQuickEnd(program, ({ child }) => {
      child.stdout.destroy();
      host.send(host.request('tools/list'));
    });
  });

  it('when stdout and stderr have both lost their readers', async () => {
    const program = await packed.start(['--log-level', 'debug']);
    const host = new RawHost(program);
    await host.handshake();
    await expectQuickEnd(program, ({ child }) => {
      child.stdout.destroy();
      child.stderr.destroy();
      host.send('no JSON', host.request('tools/list'));
    });
  });
});

describe.concurrent('a reader that left', () => {
  it('ends the program at the next progress, which comes a few seconds later', async () => {
    const program = await withJobInFlight();
    program.child.stdout.destroy();
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    expect(program.stderr()).not.toMatch(STACK);
  });

  it.each(['--help', '--version'])('is no crash of %s', async (flag) => {
    const program = await packed.start([flag]);
    program.child.stdout.destroy();
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    expect(program.stderr()).toBe('');
  });

  it('is no crash of bad usage', async () => {
    const program = await packed.start(['--paint']);
    program.child.stderr.destroy();
    expect(await program.exit).toMatchObject({ code: 2, signal: null });
  });

  it('is no crash of the sandbox, which serves on', async () => {
    const port = await freePort();
    const program = await packed.start(['sandbox', '--port', port]);
    program.child.stdout.destroy();
    while (!(await isServing(port)) && program.child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    program.child.kill('SIGTERM');
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    expect(program.stderr()).toBe('');
  });

  it('lets the demo come to its end', async () => {
    const program = await packed.start(['demo']);
    await new Promise((resolve) => program.child.stdout.once('data', resolve));
    program.child.stdout.destroy();
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    expect(program.stderr()).toBe('');
  });
});

/** Free a moment ago: the program under test cannot tell which one it took, since nobody reads what it prints. */
async function freePort(): Promise<string> {
  const { url, close } = await startSilentService();
  close();
  return new URL(url).port;
}

async function isServing(port: string): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/sandbox/state`).then(
    () => true,
    () => false,
  );
}
