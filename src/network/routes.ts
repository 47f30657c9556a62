/** Decides whether a connection goes through a proxy, by the rules of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
import { isLoopbackHost } from '../core/hosts.ts';
import { type ProxyAddress, type ProxySettings, shownProxy } from '../core/proxy.ts';
import type { ReportedProxy } from '../core/reasons.ts';

export type ProxyRoute = ReportedProxy & { proxy: ProxyAddress };

/** @returns `undefined` for a direct connection */
export function proxyRoute(url: URL, { httpsProxy, httpProxy, noProxy = '' }: ProxySettings): ProxyRoute | undefined {
  const host = plainHost(url.hostname);
  // Plain HTTP is spoken with this machine alone, which no proxy can reach.
  if (url.protocol !== 'https:' || isThisMachine(host)) return undefined;
  const entries = noProxy.toLowerCase().split(/[\s,]/u);
  if (entries.some((entry) => covers(entry, host, Number(url.port || 443)))) return undefined;
  // Where a single proxy is set, it is meant for everything.
  const proxy = httpsProxy ?? httpProxy;
  return proxy && { proxy, shown: shownProxy(proxy), setting: proxy === httpsProxy ? 'HTTPS_PROXY' : 'HTTP_PROXY' };
}

/** A listener on every address is reached by the unspecified one, too. */
function isThisMachine(host: string): boolean {
  return isLoopbackHost(host) || host.endsWith('.localhost') || host === '0.0.0.0' || host === '::';
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
