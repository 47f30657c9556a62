/** Opens every connection of this program: to all addresses of a name within one deadline, through a proxy, verified. */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { once, setMaxListeners } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
// The parts that are used: undici's index brings fetch, WebSocket, caches and mocks along.
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { Clock } from '../core/ports.ts';
import { codeOf } from '../core/failure.ts';
import { isLoopbackHost } from '../core/untrusted-text.ts';
import { type ProxyAddress, type ProxySettings, shownProxy } from '../core/proxy.ts';
import type { ReportedProxy } from '../core/reasons.ts';
import { ConnectFailure, problemOf, RefusedByProxy } from './connect-failure.ts';

/** Finds the addresses of a host, and may refuse it. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export type ConnectorDeps = { clock: Clock; proxies?: ProxySettings | undefined; resolve?: Resolve | undefined };

/** As undici calls a connector: the name of an IPv6 host comes without brackets, `host` with them and the port. */
type Wanted = { hostname: string; protocol: string; host?: string | undefined };
type Connected = (...args: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/** For all of it together: name, connection, proxy, encryption. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How long the next address of a name waits for the one before it. */
const NEXT_ADDRESS_MS = 250;

export const resolveAll: Resolve = (host) => lookup(host, { all: true });

/** Single headers of 16 kB (cookies, policies) are met in the field; undici's default for all of them is less. */
const connecting = (deps: ConnectorDeps) => ({ connect: createConnector(deps), maxHeaderSize: 256 * 1024 });

export const createAgent = (deps: ConnectorDeps, options: Agent.Options): Agent =>
  Object.assign(new Agent({ ...options, ...connecting(deps) }), { request });

/** For one origin: unlike an agent, it keeps what belongs to a connection when that has ended. */
export const createPool = (origin: string, deps: ConnectorDeps, options: Pool.Options): Pool =>
  new Pool(origin, { ...options, ...connecting(deps) });

export function createConnector({ clock, proxies = {}, resolve = resolveAll }: ConnectorDeps) {
  async function reach(host: string, port: number, signal: AbortSignal, find: Resolve): Promise<Socket> {
    const family = isIP(host);
    if (family !== 0) return connectFirst([{ address: host, family }], port, { clock, signal });
    // A name service that does not answer cannot be called back.
    const late = once(signal, 'abort').then(() => Promise.reject(signal.reason));
    return connectFirst(await Promise.race([find(host), late]), port, { clock, signal });
  }

  async function open({ hostname, protocol, host = hostname }: Wanted): Promise<Socket> {
    const url = new URL(`${protocol}//${host}`);
    const secure = protocol === 'https:';
    const port = Number(url.port || (secure ? 443 : 80));
    const route = proxyRoute(url, proxies);
    const deadline = clock.deadline(CONNECT_TIMEOUT_MS);
    const { signal } = deadline;
    let isProxyReady = false;
    try {
      if (route === undefined) {
        const socket = await reach(hostname, port, signal, resolve);
        return secure ? await encrypted(socket, hostname, signal) : socket;
      }
      // The proxy resolves the name of the host; its own name is no secret of the network that has to be checked.
      const { proxy } = route;
      const plain = await reach(proxy.host, proxy.port, signal, resolveAll);
      const line = proxy.secure ? await encrypted(plain, proxy.host, signal) : plain;
      const tunnel = await tunnelThrough(line, proxy, `${url.hostname}:${port}`, signal);
      isProxyReady = true;
      return await encrypted(tunnel, hostname, signal);
    } catch (error) {
      const errorCode = signal.aborted ? 'ETIMEDOUT' : codeOf(error);
      throw new ConnectFailure(problemOf(error, hostname, errorCode, route, isProxyReady), error);
    } finally {
      deadline.clear();
    }
  }

  return (wanted: Wanted, connected: Connected): void => {
    open(wanted).then(
      (socket) => connected(null, socket.setNoDelay(true).setKeepAlive(true, 60_000)),
      (error: Error) => connected(error, null),
    );
  };
}

/**
 * Connects to whichever address of a host answers first (RFC 8305). No try is given up before the deadline: Node's own
 * way gives each address but the last 250 ms, which a slow line does not meet.
 */
export async function connectFirst(
  addresses: readonly LookupAddress[],
  port: number,
  { clock, signal }: { clock: Pick<Clock, 'sleep'>; signal: AbortSignal },
): Promise<Socket> {
  // A name may have many addresses.
  setMaxListeners(0, signal);
  const sockets: Socket[] = [];
  const tries: Promise<Socket>[] = [];
  let winner: Socket | undefined;
  try {
    for (const { address } of addresses) {
      const socket = connect({ host: address, port });
      sockets.push(socket);
      const attempt = once(socket, 'connect', { signal }).then(() => socket);
      tries.push(attempt);
      if (tries.length === addresses.length) break;
      // The next one is tried after a while, or as soon as this one has failed.
      const pause = clock.sleep(NEXT_ADDRESS_MS).then(() => undefined);
      winner = await Promise.race([Promise.any(tries), attempt, pause]).catch(() => undefined);
      if (winner !== undefined) return winner;
      signal.throwIfAborted();
    }
    winner = await Promise.any(tries);
    return winner;
  } catch (error) {
    throw error instanceof AggregateError ? error.errors.at(-1) : error;
  } finally {
    for (const socket of sockets) if (socket !== winner) socket.destroy();
  }
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

async function tunnelThrough(line: Socket, proxy: ProxyAddress, target: string, signal: AbortSignal): Promise<Socket> {
  const user = `${proxy.user}:${proxy.password}`;
  const credentials = `Basic ${Buffer.from(user).toString('base64')}`;
  const headers = { host: target, ...(user !== ':' && { 'proxy-authorization': credentials }) };
  const asking = httpRequest({ createConnection: () => line, method: 'CONNECT', path: target, headers, signal });
  // It may fail once more after its answer, when nobody waits for it.
  asking.on('error', () => undefined).end();
  const [{ statusCode }, tunnel, first] = await once(asking, 'connect');
  if (statusCode < 200 || statusCode > 299) {
    tunnel.destroy();
    throw new RefusedByProxy(statusCode);
  }
  if (first.length > 0) tunnel.unshift(first);
  return tunnel;
}

export type ProxyRoute = ReportedProxy & { proxy: ProxyAddress };

/** Follows the rules of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. @returns `undefined` for a direct connection */
export function proxyRoute(url: URL, { httpsProxy, httpProxy, noProxy = '' }: ProxySettings): ProxyRoute | undefined {
  // Where a single proxy is set, it is meant for everything; but plain HTTP is spoken with this machine alone.
  const proxy = httpsProxy ?? httpProxy;
  if (proxy === undefined || url.protocol !== 'https:') return undefined;
  const host = plainHost(url.hostname);
  // No proxy can reach this machine. A listener on every address is reached by the unspecified one, too.
  if (isLoopbackHost(host) || host.endsWith('.localhost') || host === '0.0.0.0' || host === '::') return undefined;
  const entries = noProxy.toLowerCase().split(/[\s,]/u);
  if (entries.some((entry) => covers(entry, host, Number(url.port || 443)))) return undefined;
  return { proxy, shown: shownProxy(proxy), setting: proxy === httpsProxy ? 'HTTPS_PROXY' : 'HTTP_PROXY' };
}

const WITH_PORT = /^(\[[^\]]*\]|[^:]+):(\d{1,5})$/u;

/** Whether an entry of `NO_PROXY` means this host: everything, a name and all below it, an address, or a range. */
function covers(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const [, named = entry, only = port] = WITH_PORT.exec(entry) ?? [];
  // `.example.com` and `*.example.com` mean what `example.com` means.
  const pattern = plainHost(named.replace(/^\*?\./u, ''));
  if (pattern === '' || Number(only) !== port) return false;
  const address = addressOf(host);
  if (address === undefined) return host === pattern || host.endsWith(`.${pattern}`);
  if (!ipaddr.isValidCIDR(pattern)) return addressOf(pattern)?.toString() === address.toString();
  const [network, bits] = ipaddr.parseCIDR(pattern);
  return network.kind() === address.kind() && address.match(network, bits);
}

/** An IPv4 address inside an IPv6 one counts as the IPv4 address. */
function addressOf(name: string): IPv4 | IPv6 | undefined {
  return ipaddr.isValid(name) ? ipaddr.process(name) : undefined;
}

function plainHost(host: string): string {
  return host.toLowerCase().replace(/[[\]]/gu, '').replace(/\.$/u, '');
}
