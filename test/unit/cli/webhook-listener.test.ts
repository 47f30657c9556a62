/** Proves that the webhook listener opens once and on time, waits for a taken port, and never gets in the way. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebhookListener } from '../../../src/cli/webhook-listener.ts';
import type { Log } from '../../../src/core/log.ts';
import type { WebhookSink } from '../../../src/core/webhook-sink.ts';

let said: string[];
const listeners: WebhookListener[] = [];
beforeEach(() => {
  said = [];
});
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((endpoint) => endpoint.close()));
});

const line =
  (level: string) =>
  (message: string, fields: object = {}): void =>
    void said.push(`${level} ${message} ${JSON.stringify(fields)}`);
const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
const sink: WebhookSink = { accept: async () => 200 };

function listenerAt(port: number, host = '127.0.0.1'): WebhookListener {
  const endpoint = new WebhookListener({ host, port }, log);
  listeners.push(endpoint);
  return endpoint;
}

/** Somebody else at a port of its own. */
async function occupy(): Promise<{ port: number; leave: () => Promise<void> }> {
  const server: Server = createServer((_, response) => response.writeHead(418).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const leave = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, leave };
}

async function freePort(): Promise<number> {
  const { port, leave } = await occupy();
  await leave();
  return port;
}

/** The status of a post; 0 when there is no listener. */
async function post(port: number): Promise<number> {
  const headers = { connection: 'close' };
  const answer = await fetch(`http://127.0.0.1:${port}/x`, { method: 'POST', body: '{}', headers }).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.status ?? 0;
}

describe('the webhook listener', () => {
  it('opens when it is asked to, once, however often', async () => {
    const port = await freePort();
    const endpoint = listenerAt(port);
    expect(await post(port)).toBe(0);
    await Promise.all([endpoint.open(sink), endpoint.open(sink)]);
    await endpoint.open(sink);
    expect(await post(port)).toBe(200);
    expect(said).toEqual([expect.stringMatching(/^info listening for webhooks /u)]);
  });

  it('of which nothing is set stays shut', async () => {
    const port = await freePort();
    await new WebhookListener(undefined, log).open(sink);
    await listenerAt(port).open(undefined);
    expect(await post(port)).toBe(0);
    expect(said).toEqual([]);
  });

  it('tries a taken port again the next time', async () => {
    const { port, leave } = await occupy();
    const endpoint = listenerAt(port);
    await endpoint.open(sink);
    expect(said).toEqual([expect.stringMatching(/^info the webhook port is taken/u)]);
    await leave();
    await endpoint.open(sink);
    expect(await post(port)).toBe(200);
  });

  it.each([
    ['no address of this machine', '192.0.2.1'],
    ['a name that is none', 'no-such-host.invalid'],
  ])('that cannot open warns once, names the setting, and stops nothing else: %s', async (_, host) => {
    const endpoint = listenerAt(await freePort(), host);
    await endpoint.open(sink);
    await endpoint.open(sink);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^warn the webhook listener could not be opened; jobs are polled .*DOITONG_WEBHOOK_LISTEN/u,
    );
    expect(said[0]).toContain(host);
  });

  it('that is closed lets go of the port, even in the midst of opening, and opens no more', async () => {
    const port = await freePort();
    const endpoint = listenerAt(port);
    const opening = endpoint.open(sink);
    await endpoint.close();
    await opening;
    await endpoint.open(sink);
    expect(await post(port)).toBe(0);
  });
});
