/** Decides whether a connection goes through a proxy, by the rules of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
import { isLoopbackHost } from '../core/hosts.ts';
import { type ProxyAddress, type ProxySettings, shownProxy } from '../core/proxy.ts';

/** `host` as in a URL's `hostname`, IPv6 with or without its brackets. */
export type Target = { secure: boolean; host: string; port: number };

export type ProxyRoute = {
  proxy: ProxyAddress;
  /** The proxy's address without user and password. */
  shown: string;
  /** The variable that names it. */
  setting: 'HTTPS_PROXY' | 'HTTP_PROXY';
};

/** @returns `undefined` for a direct connection */
export function proxyRoute(target: Target, { httpsProxy, httpProxy, noProxy }: ProxySettings): ProxyRoute | undefined {
  // Plain HTTP is spoken with this machine alone, which no proxy can reach.
  if (!target.secure || isThisMachine(target.host)) return undefined;
  if (noProxy !== undefined && isExempt(target, noProxy)) return undefined;
  if (httpsProxy !== undefined) return { proxy: httpsProxy, shown: shownProxy(httpsProxy), setting: 'HTTPS_PROXY' };
  // Where a single proxy is set, it is meant for everything.
  if (httpProxy !== undefined) return { proxy: httpProxy, shown: shownProxy(httpProxy), setting: 'HTTP_PROXY' };
  return undefined;
}

export function targetOf(url: URL): Target {
  const secure = url.protocol === 'https:';
  return { secure, host: url.hostname, port: Number(url.port || (secure ? 443 : 80)) };
}

/** A listener on every address is reached by the unspecified one, too. */
function isThisMachine(host: string): boolean {
  const name = plainHost(host);
  return isLoopbackHost(name) || name.endsWith('.localhost') || name === '0.0.0.0' || name === '::';
}

function isExempt({ host, port }: Target, noProxy: string): boolean {
  const name = plainHost(host);
  return noProxy
    .toLowerCase()
    .split(/[\s,]/u)
    .some((entry) => {
      if (entry === '*') return true;
      const { pattern, port: only } = entryOf(entry);
      return pattern !== '' && (only === undefined || only === port) && fits(name, pattern);
    });
}

const WITH_PORT = /^(\[[^\]]*\]|[^:]+):(\d{1,5})$/u;

function entryOf(entry: string): { pattern: string; port: number | undefined } {
  const [, named = entry, digits] = WITH_PORT.exec(entry) ?? [];
  // `.example.com` and `*.example.com` mean what `example.com` means: the name and all below it.
  const pattern = named
    .replace(/^\*?\./u, '')
    .replace(/[[\]]/gu, '')
    .replace(/\.$/u, '');
  return { pattern, port: digits === undefined ? undefined : Number(digits) };
}

function fits(name: string, pattern: string): boolean {
  const address = addressOf(name);
  if (address === undefined) return name === pattern || name.endsWith(`.${pattern}`);
  if (pattern.includes('/')) return isWithin(address, pattern);
  return addressOf(pattern)?.toString() === address.toString();
}

function isWithin(address: IPv4 | IPv6, pattern: string): boolean {
  try {
    const [network, bits] = ipaddr.parseCIDR(pattern);
    return network.kind() === address.kind() && address.match(network, bits);
  } catch {
    return false;
  }
}

/** An IPv4 address inside an IPv6 one counts as the IPv4 address. */
function addressOf(name: string): IPv4 | IPv6 | undefined {
  return ipaddr.isValid(name) ? ipaddr.process(name) : undefined;
}

function plainHost(host: string): string {
  return host.toLowerCase().replace(/[[\]]/gu, '').replace(/\.$/u, '');
}
