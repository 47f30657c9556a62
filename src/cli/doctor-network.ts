/** What `doctor` says of the connection to the service: where the key goes, through which proxy, and whether TLS is verified. */
import { access, constants } from 'node:fs/promises';
import { type Config, SETTINGS } from '../config/settings.ts';
import { isLoopbackHost } from '../core/hosts.ts';
import { proxyRoute } from '../network/routes.ts';
import { errorCode } from '../storage/disk.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

export function originCheck({ apiUrl }: Pick<Config, 'apiUrl'>): Check {
  if (apiUrl === SETTINGS.apiUrl.default) return ok('origin', `${apiUrl}: the key is sent there and nowhere else`);
  const found = `${apiUrl}, as set by DOITONG_API_URL, not ${SETTINGS.apiUrl.default}: the key is sent there`;
  if (isLoopbackHost(new URL(apiUrl).hostname)) return ok('origin', `${found}, which is on this machine`);
  return warn('origin', found, 'Remove DOITONG_API_URL unless you set it yourself and trust that address.');
}

type ProxyOptions = Pick<Config, 'apiUrl' | 'downloadHosts' | 'httpsProxy' | 'httpProxy' | 'noProxy'>;

export function proxyCheck({ apiUrl, downloadHosts, ...proxies }: ProxyOptions): Check {
  if (proxies.httpsProxy === undefined && proxies.httpProxy === undefined) {
    return ok('proxy', 'none is set: the API and pictures are reached directly');
  }
  const routeTo = (url: string): string => {
    const route = proxyRoute(new URL(url), proxies);
    return route === undefined ? 'directly' : `through ${route.shown} (${route.setting})`;
  };
  const api = routeTo(apiUrl);
  const pictures = downloadHosts.map((host) => ({ host, route: routeTo(`https://${host}`) }));
  if (pictures.every(({ route }) => route === api)) return ok('proxy', `the API and pictures go ${api}`);
  const each = pictures.map(({ host, route }) => `pictures from ${host} ${route}`);
  return ok('proxy', `the API goes ${api}, ${each.join(', ')}`);
}

const OWN_AUTHORITY = "for an authority of a company's own set NODE_EXTRA_CA_CERTS to the file of its certificate";

export async function certificatesCheck(env: Readonly<Record<string, string | undefined>>): Promise<Check> {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    return fail(
      'certificates',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is set: this server verifies certificates all the same, other programs do not',
      `Remove NODE_TLS_REJECT_UNAUTHORIZED; ${OWN_AUTHORITY}.`,
    );
  }
  const extra = env.NODE_EXTRA_CA_CERTS;
  if (extra === undefined || extra === '') return ok('certificates', 'always verified');
  try {
    await access(extra, constants.R_OK);
    return ok('certificates', `always verified; ${extra} is trusted too (NODE_EXTRA_CA_CERTS)`);
  } catch (error) {
    const found = `always verified, but NODE_EXTRA_CA_CERTS names ${extra}, which cannot be read (${errorCode(error)})`;
    return warn('certificates', found, 'Correct NODE_EXTRA_CA_CERTS, or the file.');
  }
}
