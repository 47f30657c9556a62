/** Opens connections for undici: to every address of a name within one deadline, through a proxy, verified. */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { codeOf } from '../core/error-code.ts';
import type { ProxySettings } from '../core/proxy.ts';
import { ConnectFailure, type ConnectProblem } from './connect-failure.ts';
import { connectFirst } from './connect-first.ts';
import { type ProxyRoute, proxyRoute } from './routes.ts';

/** Finds the addresses of a host, and may refuse it. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export type ConnectorDeps = { clock: Clock; proxies?: ProxySettings | undefined; resolve?: Resolve | undefined };

/** As undici calls a connector: an IPv6 address comes without its brackets. */
type Wanted = { hostname: string; protocol: string; port: string };
type Connected = (...args: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/** For all of it together: name, connection, proxy, encryption. */
const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 60_000;

export const resolveAll: Resolve = (host) => lookup(host, { all: true });

export function createConnector({ clock, proxies = {}, resolve = resolveAll }: ConnectorDeps) {
  async function reach(host: string, port: number, signal: AbortSignal, find: Resolve): Promise<Socket> {
    const family = isIP(host);
    const addresses = family === 0 ? await orAborted(find(host), signal) : [{ address: host, family }];
    return connectFirst(addresses, port, { clock, signal });
  }

  async function open({ hostname: host, protocol, port: digits }: Wanted): Promise<Socket> {
    const secure = protocol === 'https:';
    const port = Number(digits || (secure ? 443 : 80));
    const route = proxyRoute({ secure, host, port }, proxies);
    const deadline = clock.deadline(CONNECT_TIMEOUT_MS);
    const { signal } = deadline;
    const progress = { proxyFailed: route !== undefined };
    try {
      if (route === undefined) {
        const socket = await reach(host, port, signal, resolve);
        return secure ? await encrypted(socket, host, signal) : socket;
      }
      // The proxy resolves the name of the host; its own name is no secret of the network that has to be checked.
      const plain = await reach(route.proxy.host, route.proxy.port, signal, resolveAll);
      const line = route.proxy.secure ? await encrypted(plain, route.proxy.host, signal) : plain;
      const tunnel = await tunnelThrough(line, route, `${host.includes(':') ? `[${host}]` : host}:${port}`, signal);
      progress.proxyFailed = false;
      return await encrypted(tunnel, host, signal);
    } catch (error) {
      throw failureOf(error, host, signal, route && { route, failed: progress.proxyFailed });
    } finally {
      deadline.clear();
    }
  }

  return (wanted: Wanted, connected: Connected): void => {
    open(wanted).then(
      (socket) => connected(null, socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)),
      (error: Error) => connected(error, null),
    );
  };
}

async function encrypted(socket: Socket, host: string, signal: AbortSignal): Promise<Socket> {
  const secured = connectTls({
    socket,
    host,
    // A name goes into the greeting; an address must not.
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: ['http/1.1'],
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: the key goes over this connection.
    rejectUnauthorized: true,
  });
  const closed = once(secured, 'close').then(() => {
    throw Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' });
  });
  try {
    await Promise.race([once(secured, 'secureConnect', { signal }), closed]);
    return secured;
  } catch (error) {
    socket.destroy();
    secured.destroy();
    throw error;
  }
}

function tunnelThrough(line: Socket, route: ProxyRoute, target: string, signal: AbortSignal): Promise<Socket> {
  const { user, password } = route.proxy;
  const credentials = Buffer.from(`${user}:${password}`).toString('base64');
  const headers = {
    host: target,
    ...(user === '' && password === '' ? {} : { 'proxy-authorization': `Basic ${credentials}` }),
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ createConnection: () => line, method: 'CONNECT', path: target, headers, signal });
    request.once('connect', ({ statusCode: status = 0 }, tunnel, first: Buffer) => {
      if (status >= 200 && status <= 299) {
        if (first.length > 0) tunnel.unshift(first);
        resolve(tunnel as Socket);
        return;
      }
      tunnel.destroy();
      reject(new RefusedByProxy(status));
    });
    request.on('error', reject).end();
  });
}

class RefusedByProxy extends Error {
  constructor(readonly status: number) {
    super(`The proxy answered ${status}.`);
  }
}

function failureOf(
  error: unknown,
  host: string,
  signal: AbortSignal,
  via: { route: ProxyRoute; failed: boolean } | undefined,
): ConnectFailure {
  const code = signal.aborted ? 'ETIMEDOUT' : codeOf(error);
  const status = error instanceof RefusedByProxy ? { status: error.status } : {};
  const problem: ConnectProblem = {
    host,
    ...(code === undefined ? {} : { code }),
    ...(via === undefined
      ? {}
      : { proxy: { shown: via.route.shown, setting: via.route.setting, failed: via.failed, ...status } }),
  };
  return new ConnectFailure(problem, error);
}

/** A name service that does not answer cannot be called back. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}
