/** TLS in front of a server of plain HTTP on this machine, as a load balancer does it. */
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

export type TlsFront = {
  port: number;
  /** Connections that came as far as TCP. */
  connections(): number;
  /** What arrived inside TLS, all of it. */
  received(): string;
  close(): Promise<void>;
};

export async function startTlsFront(url: string, options: TlsOptions): Promise<TlsFront> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let connections = 0;
  let received = '';
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  };
  const server = createServer(options, (inside) => {
    const behind = connect(Number(target.port), target.hostname);
    keep(inside);
    keep(behind);
    inside.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    inside.pipe(behind).pipe(inside);
  });
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket) => {
    connections += 1;
    keep(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    received: () => received,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
