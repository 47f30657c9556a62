/**
 * Proves with real sockets that one deadline holds for all addresses of a name. The list of addresses is written here: a
 * name service of our own would need rights that a test does not have. Linux alone answers on all of 127.0.0.0/8.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectFirst, createConnector } from '../../../src/network/connector.ts';
import { systemClock } from '../../../src/runtime/system.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Takes a connection late or never: its queue is full, so that the system drops what knocks. */
async function startBusy(address: string, port: number, freeAfterMs?: number): Promise<void> {
  const program = `
    const server = require('node:net').createServer((socket) => socket.resume());
    server.listen({ host: '${address}', port: ${port}, backlog: 1 }, () => {
      require('node:fs').writeSync(1, 'listening');
      const lock = new Int32Array(new SharedArrayBuffer(4));
      Atomics.wait(lock, 0, 0, ${freeAfterMs ?? 'Infinity'});
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  closing.push(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  for (let knock = 0; knock < 4; knock += 1) {
    const socket = connect(port, address);
    socket.on('error', () => undefined);
    closing.push(() => socket.destroy());
    await Promise.race([once(socket, 'connect'), new Promise((resolve) => setTimeout(resolve, 100))]);
  }
}

async function startServer(address: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.resume()).listen(0, address);
  await once(server, 'listening');
  closing.push(() => server.close());
  return { server, port: (server.address() as { port: number }).port };
}

const addresses = (...list: string[]) => list.map((address) => ({ address, family: 4 }));

async function connectTo(port: number, ...list: string[]): Promise<Socket> {
  const deadline = systemClock.deadline(15_000);
  const socket = await connectFirst(addresses(...list), port, { clock: systemClock, signal: deadline.signal });
  closing.push(() => socket.destroy());
  deadline.clear();
  return socket;
}

describe.skipIf(process.platform !== 'linux')('a name whose addresses differ', () => {
  it('is reached at the next one when the first does not answer', async () => {
    const { port } = await startServer('127.0.0.3');
    await startBusy('127.0.0.2', port);
    expect((await connectTo(port, '127.0.0.2', '127.0.0.3')).remoteAddress).toBe('127.0.0.3');
  });

  it('is reached at the next one when the first refuses', async () => {
    const { port } = await startServer('127.0.0.3');
    expect((await connectTo(port, '127.0.0.2', '127.0.0.3')).remoteAddress).toBe('127.0.0.3');
  });

  it('is reached at the first when that is slow and the others are dead', async () => {
    const { server, port } = await startServer('127.0.0.9');
    server.close();
    await startBusy('127.0.0.2', port, 800);
    await startBusy('127.0.0.3', port);
    await startBusy('127.0.0.4', port);
    expect((await connectTo(port, '127.0.0.2', '127.0.0.3', '127.0.0.4')).remoteAddress).toBe('127.0.0.2');
  });

  it('is given up when all of them refuse', async () => {
    const { server, port } = await startServer('127.0.0.3');
    server.close();
    await expect(connectTo(port, '127.0.0.2', '127.0.0.3')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a name service that does not answer', () => {
  it('ends with the deadline', async () => {
    const over = new AbortController();
    const clock = { ...systemClock, deadline: () => ({ signal: over.signal, clear: () => undefined }) };
    const connector = createConnector({ clock, resolve: () => new Promise(() => undefined) });
    const failed = new Promise((resolve) =>
      connector({ hostname: 'api.test', protocol: 'https:' }, (...[error]) => resolve(error)),
    );
    over.abort(new Error('too late'));
    expect(await failed).toMatchObject({
      problem: { code: 'not_connected', host: 'api.test', errorCode: 'ETIMEDOUT' },
    });
  });
});
