/** THE table of settings: every other view of a setting (flags, help, README, host manifests) is derived from it. */
import * as z from 'zod';
import { isKeyOrMistake } from '../core/api-key.ts';
import { LOG_LEVELS, RESULT_CONTENT } from '../core/ports.ts';
import { proxyAddressOf } from '../core/proxy.ts';
import { isLoopbackHost, urlOf } from '../core/untrusted-text.ts';
import { PLANS } from '../limits/plan.ts';

/** One setting. `schema` reads the text of a flag or variable; its output is what the program works with. */
export type Setting = {
  env: string;
  /** The variable is also read in lower case, which comes first where both are set. */
  eitherCase?: true;
  /** Without the two dashes; absent where the value must not stand in a process list. */
  flag?: string;
  schema: z.ZodType<unknown, string>;
  /** Read by `schema` like any other text; absent means that there may be no value. */
  default?: string;
  /** The default in words, where it depends on the machine. */
  defaultText?: string;
  /** Never shown, in no message and no log. */
  secret?: true;
  /** A refused value is not shown: it may be a secret in the wrong variable. */
  hideRefused?: true;
  /** Variables without which this one would have no effect: it is refused without them. */
  needs?: readonly string[];
  /** Completes the sentence "Allowed: …". */
  allowed: string;
  help: string;
};

/** As in doitong/dialects.ts, which this folder does not import: a test compares them. */
const DIALECTS = ['generate', 'generateImage', 'rest'] as const;

const JOB_QUERY = /^\s*([_A-Za-z]\w{0,99})\s*\(\s*([_A-Za-z]\w{0,99})\s*\)\s*$/u;
const LISTEN = /^(?:(?:\[([\dA-Fa-f:.]+)\]|([A-Za-z\d.-]+)):)?(\d{1,5})$/u;
/** A shorter one could be guessed, and removing it from texts would blank out ordinary words. */
const SECRET = /^[^\p{Cc}\p{Cs}]{8,512}$/u;
/** Two labels or more, the last one no number: that would be an address. */
const HOST_NAME = /^(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,30}\.(?!\d+$)[a-z0-9-]{1,63}$/u;

/** A schema of a function, which refuses a text by `undefined`. */
const parsed = <Value>(parse: (text: string) => Value | undefined) =>
  z.string().transform((text, context): Value => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: 'not allowed' });
    return z.NEVER;
  });

/** Beyond this machine everything is encrypted. */
function secureUrlOf(text: string): URL | undefined {
  const url = urlOf(text);
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
  return secure ? url : undefined;
}

/** In normal form: the records of a service are found under every spelling of its origin. */
function originOf(text: string): string | undefined {
  const url = secureUrlOf(text);
  // The dot at the end of a whole name is all that the parser leaves to differ.
  if (url !== undefined) url.hostname = url.hostname.replace(/\.$/u, '');
  // An origin alone, with nothing in front of it or behind it.
  return url && url.href === `${url.origin}/` ? url.origin : undefined;
}

/** In normal form. Only a path distinguishes events from other requests. */
function webhookUrlOf(text: string): string | undefined {
  const url = text.length <= 2_000 ? secureUrlOf(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.href.includes('#')) return undefined;
  return url.pathname === '/' ? undefined : url.href;
}

function jobQueryOf(text: string): { field: string; argument: string } | 'auto' | undefined {
  if (text === 'auto') return 'auto';
  const [, field, argument] = JOB_QUERY.exec(text) ?? [];
  return field === undefined || argument === undefined ? undefined : { field, argument };
}

/** `host` is a name or an address, IPv6 without its brackets. */
function listenAddressOf(text: string): { host: string; port: number } | undefined {
  const [, ipv6, name = '127.0.0.1', digits] = LISTEN.exec(text) ?? [];
  const port = Number(digits);
  const isHost = URL.canParse(`http://${ipv6 === undefined ? name : `[${ipv6}]`}`);
  return isHost && port >= 1 && port <= 65_535 ? { host: ipv6 ?? name, port } : undefined;
}

const LIST = z.string().transform((text) => text.split(',').map((entry) => entry.trim()));

export function wholeNumberOf(text: string, min: number, max: number): number | undefined {
  const value = /^\d{1,9}$/u.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

const integer = (min: number, max: number) => parsed((text) => wholeNumberOf(text, min, max));

const whole = (min: number, max: number, usual: string, unit: string) => ({
  schema: integer(min, max),
  default: usual,
  allowed: `a whole number of ${unit} from ${min} to ${max}`,
});

/** `FLUX_WAIT_SECONDS` is also the flag `--wait-seconds`. */
const variableAndFlag = (env: `${'DOITONG' | 'FLUX'}_${string}`) => ({
  env,
  flag: env
    .replace(/^[A-Z]+_/u, '')
    .toLowerCase()
    .replaceAll('_', '-'),
});

/** Read in either case, as all programs do; a refused value may contain a password. */
const PROXY = { eitherCase: true, schema: parsed(proxyAddressOf), hideRefused: true } as const;

const ABSOLUTE =
  process.platform === 'win32' ? /^(?:~(?:$|[\\/])|[A-Za-z]:[\\/]|\\\\)[^\0]*$/u : /^(?:~(?:$|\/)|\/)[^\0]*$/u;

// A relative path would lead to wherever the host happened to start the server.
const FOLDER = { schema: z.string().regex(ABSOLUTE), allowed: 'an absolute path, or one that starts with ~/' };

export const SETTINGS = {
  apiKey: {
    env: 'DOITONG_API_KEY',
    // A placeholder that nobody filled in is named at the call, where somebody reads it.
    schema: z.string().refine(isKeyOrMistake),
    secret: true,
    allowed: '8 to 512 visible ASCII characters without spaces',
    help: 'Your Doitong API key. Never a flag, never a tool argument; not needed with --sandbox.',
  },
  apiKeyFile: {
    env: 'DOITONG_API_KEY_FILE',
    ...FOLDER,
    hideRefused: true,
    help: 'A file that contains only the key; read when DOITONG_API_KEY is not set.',
  },
  apiUrl: {
    ...variableAndFlag('DOITONG_API_URL'),
    schema: parsed(originOf),
    default: 'https://api.doitong.com',
    allowed: 'an https origin without path, or an http origin on this machine (127.0.0.1, localhost, [::1])',
    help: 'Origin of the API. The key is sent there and nowhere else.',
  },
  plan: {
    ...variableAndFlag('DOITONG_PLAN'),
    schema: z.enum(['auto', ...PLANS]),
    default: 'auto',
    allowed: `auto, ${PLANS.join(', ')}`,
    help: 'Your plan at the provider; auto starts as free and follows the X-RateLimit-Limit header.',
  },
  dialect: {
    ...variableAndFlag('DOITONG_DIALECT'),
    schema: z.enum(['auto', ...DIALECTS]),
    default: 'auto',
    allowed: `auto, ${DIALECTS.join(', ')}`,
    help: 'How pictures are ordered: by one of two GraphQL mutations, or by REST; auto finds out what the service accepts.',
  },
  jobQuery: {
    ...variableAndFlag('DOITONG_JOB_QUERY'),
    schema: parsed(jobQueryOf),
    default: 'auto',
    allowed: 'auto, or field(argument) such as job(id)',
    help: 'The status query as field(argument); auto finds it by introspection, else tries known names.',
  },
  downloadHosts: {
    ...variableAndFlag('DOITONG_DOWNLOAD_HOSTS'),
    schema: LIST.pipe(z.array(z.string().toLowerCase().regex(HOST_NAME))),
    default: 'cdn.doitong.com',
    allowed:
      'full host names such as cdn.example.com, separated by commas, without scheme, port, path, * or a dot at the end; never a whole domain of others such as com or github.io',
    help: "Hosts that finished pictures are fetched from, besides the API's own.",
  },
  webhookUrl: {
    ...variableAndFlag('DOITONG_WEBHOOK_URL'),
    schema: parsed(webhookUrlOf),
    allowed:
      'an https URL with a path, or an http one on this machine (127.0.0.1, localhost, [::1]), without user and fragment',
    help: 'Public address that the service is given with every order, and posts to when the job ends.',
  },
  webhookSecret: {
    env: 'DOITONG_WEBHOOK_SECRET',
    schema: z.string().regex(SECRET),
    secret: true,
    allowed: '8 to 512 characters, none of them a control character',
    help: 'The secret with which the service signs its posts; a post without a valid signature changes nothing. Never a flag.',
  },
  webhookListen: {
    ...variableAndFlag('DOITONG_WEBHOOK_LISTEN'),
    schema: parsed(listenAddressOf),
    needs: ['DOITONG_WEBHOOK_URL', 'DOITONG_WEBHOOK_SECRET'],
    allowed: '[HOST:]PORT with a port from 1 to 65535 and IPv6 in brackets; without HOST it is 127.0.0.1',
    help: 'Where the posts to DOITONG_WEBHOOK_URL arrive on this machine; opened with the first order, for all servers with the same key.',
  },
  httpsProxy: {
    env: 'HTTPS_PROXY',
    ...PROXY,
    allowed:
      '[USER:PASSWORD@]HOST[:PORT], with http://, https:// or nothing in front of it; SOCKS proxies are not supported',
    help: 'Proxy for the API and for pictures, never for anything on this machine. The variable https_proxy takes precedence.',
  },
  httpProxy: {
    env: 'HTTP_PROXY',
    ...PROXY,
    allowed: 'as for HTTPS_PROXY',
    help: 'Used if HTTPS_PROXY is not set; only this machine is reached without encryption. The variable http_proxy takes precedence.',
  },
  noProxy: {
    env: 'NO_PROXY',
    eitherCase: true,
    schema: z.string(),
    allowed:
      'names (with all below them), addresses and networks such as 10.0.0.0/8, each with :PORT if need be, separated by commas or spaces; or *',
    help: 'Hosts that are reached without a proxy. The variable no_proxy takes precedence.',
  },
  outputDir: {
    ...variableAndFlag('FLUX_OUTPUT_DIR'),
    ...FOLDER,
    defaultText: 'flux-pro in your Pictures folder',
    help: 'Folder in which pictures are saved.',
  },
  stateDir: {
    ...variableAndFlag('FLUX_STATE_DIR'),
    ...FOLDER,
    defaultText: "flux-pro-mcp in the platform's folder for state",
    help: 'Folder of job records, limits and budget. Keep it: it records what was paid for.',
  },
  maxCreditsPerDay: {
    ...variableAndFlag('FLUX_MAX_CREDITS_PER_DAY'),
    ...whole(0, 100_000_000, '1000', 'credits'),
    help: 'Budget of a day (UTC), shared by all servers with the same key; reserved before anything is sent.',
  },
  maxCreditsPerCall: {
    ...variableAndFlag('FLUX_MAX_CREDITS_PER_CALL'),
    ...whole(0, 100_000_000, '500', 'credits'),
    help: 'The most that one call may cost, by the upper end of the price list.',
  },
  maxImagesPerDay: {
    ...variableAndFlag('FLUX_MAX_IMAGES_PER_DAY'),
    ...whole(0, 1_000_000, '100', 'pictures'),
    help: 'Pictures that may be ordered in a day (UTC), shared by all servers with the same key.',
  },
  confirmAboveCredits: {
    ...variableAndFlag('FLUX_CONFIRM_ABOVE_CREDITS'),
    ...whole(0, 100_000_000, '100', 'credits'),
    help: 'A call is confirmed first when it may cost more than this, together with what was ordered without a yes in the last 10 minutes: by the user where the host can ask, else by max_credits.',
  },
  duplicateHours: {
    ...variableAndFlag('FLUX_DUPLICATE_HOURS'),
    ...whole(0, 168, '24', 'hours'),
    help: 'How long after its picture was saved an equal order finds the job instead of ordering again; one that is unfinished is found for at least a day.',
  },
  lowCreditsAlert: {
    ...variableAndFlag('FLUX_LOW_CREDITS_ALERT'),
    ...whole(0, 100_000_000, '100', 'credits'),
    help: 'Results warn when the last balance that the service reported is below this.',
  },
  waitSeconds: {
    ...variableAndFlag('FLUX_WAIT_SECONDS'),
    ...whole(0, 300, '45', 'seconds'),
    help: 'How long a call waits for the picture before it answers with the job.',
  },
  preview: {
    ...variableAndFlag('FLUX_PREVIEW'),
    schema: z.union([z.enum(['auto', 'off']), integer(64, 4_096)]),
    default: 'auto',
    allowed: 'auto, off, or the longest side in pixels from 64 to 4096',
    help: 'The picture inside an answer: auto makes it as large as the host accepts, off leaves it out; the file is always complete.',
  },
  resultContent: {
    ...variableAndFlag('FLUX_RESULT'),
    schema: z.union([z.literal('auto'), LIST.pipe(z.array(z.enum(RESULT_CONTENT)))]),
    default: 'auto',
    allowed: `auto, or any of ${RESULT_CONTENT.join(', ')} separated by commas`,
    help: 'Parts of a result; auto gives each host what it can use.',
  },
  logLevel: {
    ...variableAndFlag('FLUX_LOG_LEVEL'),
    schema: z.enum(LOG_LEVELS),
    default: 'warn',
    allowed: LOG_LEVELS.join(', '),
    help: 'What is logged on stderr.',
  },
} as const satisfies Record<string, Setting>;

/** Texts by name, of flags as well. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

type ValueOf<Row extends Setting> = Row extends { default: string }
  ? z.output<Row['schema']>
  : z.output<Row['schema']> | undefined;

export type Config = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> } & {
  /** By which a desktop or a system says where a user's folders are. */
  readonly folderVariables?: Environment;
};
