/** What `doctor` finds on this machine: the key, the folders, the settings of the network. It leaves all as it was. */
import { access, constants, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Config, type ListenAddress, SETTINGS } from '../config/settings.ts';
import { codeOf } from '../core/error-code.ts';
import { isLoopbackHost } from '../core/hosts.ts';
import { folderProblem } from '../mcp/words/storage.ts';
import { proxyRoute } from '../network/connector.ts';
import { systemClock } from '../runtime/system.ts';
import { checkFolder, type FolderToCheck } from '../storage/folders.ts';
import { expandHome } from '../storage/paths.ts';
import type { Environment } from './command.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

const SET_KEY =
  "Set DOITONG_API_KEY, or DOITONG_API_KEY_FILE to a file that holds it, in the host's configuration; serve --sandbox needs none.";

/** @param found the key that the server would use, which is never shown */
export async function keyCheck({ apiKey, apiKeyFile: file }: Config, found: string | undefined): Promise<Check> {
  if (found === undefined) return fail('key', 'no key is set', SET_KEY);
  if (apiKey !== undefined) {
    const both = file === undefined ? '' : '; DOITONG_API_KEY_FILE is set too and is not read';
    return ok('key', `set by DOITONG_API_KEY, well-formed${both}`);
  }
  const text = `in ${file}, well-formed`;
  const { mode } = await stat(expandHome(file ?? '', 'DOITONG_API_KEY_FILE'));
  // Windows keeps its permissions elsewhere.
  if (process.platform === 'win32' || (mode & 0o044) === 0) return ok('key', text);
  return warn('key', `${text}, but other users of this machine can read it`, `Run: chmod 600 ${file}`);
}

/**
 * Writes and removes a small file there, as every order does; where the folder is made with the first picture or
 * record, in the nearest folder above.
 */
export async function folderCheck(check: string, setting: string, wanted: FolderToCheck): Promise<Check> {
  const { folder } = wanted;
  const state = await checkFolder(wanted, false, systemClock);
  const isThere = state.at === folder || (wanted.holds === 'pictures' && state.at === join(folder, wanted.month));
  const where = isThere || state.at === undefined ? folder : `${folder}, which will be made in ${state.at}`;
  if (!state.isUsable) {
    const remedy = `Make it writable for this user, make room there, or set ${setting} to a folder that can be written.`;
    return fail(check, `${where}: ${folderProblem(state.problem)}`, remedy);
  }
  const { freeBytes, openToOthers } = state;
  if (openToOthers !== undefined) {
    const found = `${where}: writable, also by other users of this machine, who can replace what is kept in ${openToOthers}`;
    return warn(check, found, `Run: chmod go-w ${openToOthers}`);
  }
  const free = freeBytes === undefined ? '' : `, ${Math.floor(freeBytes / 1_000_000).toLocaleString('en-US')} MB free`;
  return ok(check, `${where}: writable${free}`);
}

export function networkChecks({ apiUrl, downloadHosts, ...proxies }: Config): Check[] {
  const api = new URL(apiUrl);
  const hosts = [...new Set([...downloadHosts, api.hostname])].join(', ');
  return [
    ok('downloads', `pictures are fetched from ${hosts} and from nowhere else (DOITONG_DOWNLOAD_HOSTS)`),
    originCheck(api),
    proxyCheck(api, downloadHosts, proxies),
  ];
}

function originCheck({ origin, hostname }: URL): Check {
  if (origin === SETTINGS.apiUrl.default) return ok('origin', `${origin}: the key is sent there and nowhere else`);
  const found = `${origin}, as set by DOITONG_API_URL, not ${SETTINGS.apiUrl.default}: the key is sent there`;
  if (isLoopbackHost(hostname)) return ok('origin', `${found}, which is on this machine`);
  return warn('origin', found, 'Remove DOITONG_API_URL unless you set it yourself and trust that address.');
}

function proxyCheck(api: URL, hosts: readonly string[], proxies: Parameters<typeof proxyRoute>[1]): Check {
  const routeTo = (url: URL): string => {
    const route = proxyRoute(url, proxies);
    return route === undefined ? 'directly' : `through ${route.shown} (${route.setting})`;
  };
  const toApi = routeTo(api);
  const others = hosts.map((host) => ({ host, route: routeTo(new URL(`https://${host}`)) }));
  const differing = others.filter(({ route }) => route !== toApi);
  if (differing.length === 0) return ok('proxy', `the API and pictures go ${toApi}`);
  return ok('proxy', `the API goes ${toApi}, ${differing.map(({ host, route }) => `${host} ${route}`).join(', ')}`);
}

const OWN_AUTHORITY = "for an authority of a company's own set NODE_EXTRA_CA_CERTS to the file of its certificate";

export async function certificatesCheck({
  NODE_TLS_REJECT_UNAUTHORIZED: verification,
  NODE_EXTRA_CA_CERTS: extra = '',
}: Environment): Promise<Check> {
  if (verification === '0') {
    const found =
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is set: this server verifies certificates all the same, other programs do not';
    return fail('certificates', found, `Remove NODE_TLS_REJECT_UNAUTHORIZED; ${OWN_AUTHORITY}.`);
  }
  if (extra === '') return ok('certificates', 'always verified');
  try {
    await access(extra, constants.R_OK);
    return ok('certificates', `always verified; ${extra} is trusted too (NODE_EXTRA_CA_CERTS)`);
  } catch (error) {
    const found = `always verified, but NODE_EXTRA_CA_CERTS names ${extra}, which cannot be read (${codeOf(error)})`;
    return warn('certificates', found, 'Correct NODE_EXTRA_CA_CERTS, or the file.');
  }
}

/** Nobody is called: whether the address can be reached from outside shows when the first picture is done. */
export async function webhookCheck({ apiUrl, webhookUrl, webhookSecret, webhookListen }: Config): Promise<Check> {
  if (webhookUrl === undefined && webhookSecret === undefined) return ok('webhooks', 'not set: jobs are polled');
  if (webhookUrl === undefined || webhookSecret === undefined || webhookListen === undefined) {
    const all = 'Set DOITONG_WEBHOOK_URL, DOITONG_WEBHOOK_SECRET and DOITONG_WEBHOOK_LISTEN, or none of them.';
    return warn('webhooks', 'only a part of the settings is there, so that no event is received: jobs are polled', all);
  }
  // Its query may hold something that only the service shall know.
  const { origin, pathname, hostname } = new URL(webhookUrl);
  if (isLoopbackHost(hostname) && !isLoopbackHost(new URL(apiUrl).hostname)) {
    const remedy = 'Set DOITONG_WEBHOOK_URL to an address that can be reached from the internet, or remove it.';
    return warn('webhooks', `${origin}${pathname} leads to this machine alone: the service cannot reach it`, remedy);
  }
  const { host, port } = webhookListen;
  const route = `${origin}${pathname} → ${host}:${port}`;
  const problem = await listenProblem(webhookListen);
  if (problem === undefined) return ok('webhooks', `${route}: the port is free and is opened with the first order`);
  if (problem === 'EADDRINUSE') {
    const found = `${route}: the port is taken, as a rule by a flux-pro-mcp server, which passes events on to all others`;
    return warn('webhooks', found, 'Nothing to do while one is running; else set another port.');
  }
  const remedy = 'Set DOITONG_WEBHOOK_LISTEN to an address of this machine and a port from 1024 on.';
  return warn('webhooks', `${route}: nothing can listen there (${problem}): jobs are polled`, remedy);
}

/** The system's code of what prevents it; the port is released at once. */
function listenProblem(address: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error) ?? String(error)));
    server.listen(address, () => server.close(() => resolve(undefined)));
  });
}
