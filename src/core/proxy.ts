/** Reads the address of an HTTP proxy from an environment variable, with or without scheme, user and password. */

export type ProxyAddress = {
  /** A name or an address, IPv6 without its brackets. */
  host: string;
  port: number;
  /** The connection to the proxy itself is encrypted. */
  secure: boolean;
  user: string;
  password: string;
};

export type ProxySettings = {
  httpsProxy?: ProxyAddress | undefined;
  httpProxy?: ProxyAddress | undefined;
  /** Hosts that are reached without a proxy, as `NO_PROXY` lists them. */
  noProxy?: string | undefined;
};

const SCHEME = /^[a-z][a-z\d+.-]{0,20}:\/\//iu;

/** `undefined` for what is no address of an HTTP proxy. */
export function proxyAddressOf(text: string): ProxyAddress | undefined {
  if (text.length > 2_048) return undefined;
  try {
    const url = new URL(SCHEME.test(text) ? text : `http://${text}`);
    const secure = url.protocol === 'https:';
    const port = Number(url.port || (secure ? 443 : 80));
    if ((!secure && url.protocol !== 'http:') || port === 0) return undefined;
    const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    return { host: url.hostname.replace(/^\[|\]$/gu, ''), port, secure, user, password };
  } catch {
    // No URL, or a user or password that is not encoded for one.
    return undefined;
  }
}

/** As it may be shown: without user and password. */
export function shownProxy({ host, port, secure }: ProxyAddress): string {
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export function proxySecrets({ httpsProxy, httpProxy }: ProxySettings): string[] {
  return [httpsProxy, httpProxy].flatMap((proxy) =>
    proxy === undefined || proxy.password === '' ? [] : [proxy.password, `${proxy.user}:${proxy.password}`],
  );
}
