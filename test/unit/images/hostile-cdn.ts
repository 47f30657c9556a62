/** A CDN that is out to hurt: each case is an answer of its own, and all that was connected to is remembered. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { LookupAddress } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { type PictureHost, startPictureHost } from './picture-host.ts';

export type HostileCdn = {
  host: PictureHost;
  /** Something inside that must never be reached; counts who tries. */
  trap: { port: number; connections: number };
  /** `address port` of every connection that this process opened. */
  connected: Set<string>;
  /** Bytes that all of them received. */
  received(): number;
  close(): Promise<void>;
};

export async function startHostileCdn(): Promise<HostileCdn> {
  const host = await startPictureHost();
  const trap = { port: 0, connections: 0 };
  const inside = createTcpServer((socket) => {
    trap.connections += 1;
    socket.destroy();
  });
  trap.port = await listen(inside);
  const connected = new Set<string>();
  const sockets: Socket[] = [];
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    sockets.push(socket);
    socket.once('connect', () => connected.add(`${socket.remoteAddress} ${socket.remotePort}`));
  };
  subscribe('net.client.socket', onSocket);
  return {
    host,
    trap,
    connected,
    received: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    close: async () => {
      unsubscribe('net.client.socket', onSocket);
      inside.close();
      await host.close();
    },
  };
}

/** A server on this machine that answers whatever it is asked with the same bytes, HTTP or not. */
export async function startRawServer(bytes: Uint8Array): Promise<{ origin: string; close(): void }> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(bytes));
  });
  const port = await listen(server);
  return { origin: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

export const address = (text: string): LookupAddress => ({ address: text, family: text.includes(':') ? 6 : 4 });
