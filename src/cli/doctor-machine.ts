/** What `doctor` finds on this machine: key, folders, settings of the network, records and budget. All stays as it was. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Config, type Environment, SETTINGS } from '../config/settings.ts';
import { creditRange } from '../core/image-request.ts';
import { type Job, STALLED_AFTER_MS } from '../core/job.ts';
import { isLoopbackHost } from '../core/untrusted-text.ts';
import type { LimitsReport } from '../limits/limits-report.ts';
import { folderProblem } from '../mcp/words/storage.ts';
import { proxyRoute } from '../network/connector.ts';
import { systemClock } from '../runtime/system.ts';
import { checkFolder, type FolderToCheck } from '../storage/folders.ts';
import { expandHome } from '../storage/paths.ts';
import { type Check, fail, ok, warn } from './remedies.ts';
import { counted } from './terminal-text.ts';

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
  // Pictures have folders of their own in it.
  const isThere = state.at === folder || dirname(state.at ?? '') === folder;
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

export function networkChecks(config: Config, env: Environment): Check[] {
  const { apiUrl, downloadHosts } = config;
  const api = new URL(apiUrl);
  const hosts = [...new Set([...downloadHosts, api.hostname])].join(', ');
  return [
    webhookCheck(config),
    ok('downloads', `pictures are fetched from ${hosts} and from nowhere else (DOITONG_DOWNLOAD_HOSTS)`),
    originCheck(api),
    proxyCheck(api, config),
    certificatesCheck(env),
  ];
}

function originCheck({ origin, hostname }: URL): Check {
  if (origin === SETTINGS.apiUrl.default) return ok('origin', `${origin}: the key is sent there and nowhere else`);
  const found = `${origin}, as set by DOITONG_API_URL, not ${SETTINGS.apiUrl.default}: the key is sent there`;
  if (isLoopbackHost(hostname)) return ok('origin', `${found}, which is on this machine`);
  return warn('origin', found, 'Remove DOITONG_API_URL unless you set it yourself and trust that address.');
}

function proxyCheck(api: URL, config: Config): Check {
  const routeTo = (url: URL): string => {
    const route = proxyRoute(url, config);
    return route === undefined ? 'directly' : `through ${route.shown} (${route.setting})`;
  };
  const toApi = routeTo(api);
  const others = config.downloadHosts.map((host) => ({ host, route: routeTo(new URL(`https://${host}`)) }));
  const differing = others.filter(({ route }) => route !== toApi);
  if (differing.length === 0) return ok('proxy', `the API and pictures go ${toApi}`);
  return ok('proxy', `the API goes ${toApi}, ${differing.map(({ host, route }) => `${host} ${route}`).join(', ')}`);
}

function certificatesCheck(env: Environment): Check {
  const { NODE_TLS_REJECT_UNAUTHORIZED: verification, NODE_EXTRA_CA_CERTS: extra = '' } = env;
  const trusted = extra === '' ? '' : `; ${extra} is trusted too (NODE_EXTRA_CA_CERTS)`;
  if (verification !== '0') return ok('certificates', `always verified${trusted}`);
  return fail(
    'certificates',
    'NODE_TLS_REJECT_UNAUTHORIZED=0 is set: this server verifies certificates all the same, other programs do not',
    "Remove it; for an authority of a company's own set NODE_EXTRA_CA_CERTS to the file of its certificate.",
  );
}

/** Nobody is called or listens: whether events arrive shows when the first picture is done. */
export function webhookCheck({ webhookUrl, webhookSecret, webhookListen }: Config): Check {
  const settings = [webhookUrl, webhookSecret, webhookListen];
  if (settings.every((value) => value === undefined)) return ok('webhooks', 'not set: jobs are polled');
  if (settings.every((value) => value !== undefined))
    return ok('webhooks', 'received from the first order on, as far as the address can be reached');
  const all = 'Set DOITONG_WEBHOOK_URL, DOITONG_WEBHOOK_SECRET and DOITONG_WEBHOOK_LISTEN, or none of them.';
  return warn('webhooks', 'only some of the webhook settings are set, so no events arrive: jobs are polled', all);
}

const FIND_UNKNOWN =
  'Look for them in the account at Doitong (flux-pro-mcp jobs list --status unknown): they may be paid for.';
const CHECK_DAMAGED = 'Check the damaged records, which may belong to paid jobs, then remove them.';

/** @param now epoch milliseconds */
export function recordsCheck(open: readonly Job[], damaged: { folder: string; count: number }, now: number): Check {
  const unknown = open.filter(({ state }) => state === 'unknown').length;
  const stalled = open.filter((job) => job.state !== 'unknown' && now - job.createdAt >= STALLED_AFTER_MS).length;
  const problems = [
    { count: stalled, what: 'of them stalled', remedy: 'Resume the unfinished jobs with: flux-pro-mcp jobs resume.' },
    { count: unknown, what: 'of unknown outcome', remedy: FIND_UNKNOWN },
    { count: damaged.count, what: `damaged set aside in ${damaged.folder}`, remedy: CHECK_DAMAGED },
  ].filter(({ count }) => count > 0);
  const unfinished = counted(open.length - unknown, 'unfinished job');
  const found = [unfinished, ...problems.map(({ count, what }) => `${count} ${what}`)].join(', ');
  if (problems.length === 0) return ok('records', found);
  return warn('records', found, problems.map(({ remedy }) => remedy).join(' '));
}

const CHEAPEST = creditRange(256, 256);
const NEXT_DAY = 'Wait for the next day (UTC), or';

export function budgetChecks(report: LimitsReport, maxCreditsPerCall: number): Check[] {
  return [budgetCheck(report, maxCreditsPerCall), ...balanceCheck(report)];
}

function budgetCheck({ credits, daily, images }: LimitsReport, maxCreditsPerCall: number): Check {
  const left = Math.max(0, credits.budgetPerDay - credits.spentToday - credits.reserved);
  const picturesLeft = Math.max(0, images.limit - images.used);
  const found =
    `${left} of ${credits.budgetPerDay} credits left today (UTC; ${credits.spentToday} spent, ${credits.reserved} ` +
    `reserved), ${picturesLeft} of ${images.limit} pictures, ${maxCreditsPerCall} credits a call`;
  const price = `${found}; the smallest picture may cost ${CHEAPEST.max}`;
  if (left < CHEAPEST.max) return fail('budget', price, `${NEXT_DAY} raise FLUX_MAX_CREDITS_PER_DAY.`);
  if (picturesLeft === 0) return fail('budget', found, `${NEXT_DAY} raise FLUX_MAX_IMAGES_PER_DAY.`);
  if (maxCreditsPerCall < CHEAPEST.max) return fail('budget', price, 'Raise FLUX_MAX_CREDITS_PER_CALL.');
  if (daily.limit === null || daily.used < daily.limit) return ok('budget', found);
  const used = `the plan allows ${daily.limit} pictures a day, and ${daily.used} were ordered`;
  return fail('budget', used, `${NEXT_DAY} set DOITONG_PLAN if the plan is larger.`);
}

/** The service reports the balance with a refusal alone: it may have been topped up since. */
function balanceCheck({ credits: { lastKnownBalance: balance, low } }: LimitsReport): Check[] {
  if (balance === null) return [];
  const found = `${balance} credits at Doitong, as last reported`;
  if (!low) return [ok('balance', found)];
  return [warn('balance', found, 'Top up the credits at Doitong, unless that was done since.')];
}
