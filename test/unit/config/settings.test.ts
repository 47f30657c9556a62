/** Proves each setting's good and bad values, and that every row of the table can be documented. */

import { describe, expect, it } from 'vitest';
import { settingProblemText } from '../../../src/cli/settings.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../../../src/config/settings.ts';
import { DIALECT_NAMES } from '../../../src/doitong/dialects.ts';

/** A whole number from `min` to `max`: the same good and bad texts for each such setting. */
const goodNumbers = (min: number, max: number): [string, number][] => [
  [String(min), min],
  [`0${max}`.slice(-9), max],
  [String(max), max],
];
const badNumbers = (min: number, max: number): string[] => [
  ...(min > 0 ? [String(min - 1)] : []),
  String(max + 1),
  '-1',
  '1.5',
  '1e2',
  '0x10',
  'none',
  '9999999999',
];
const CREDITS = [0, 100_000_000] as const;

const PROXY = { host: 'proxy.corp', port: 3128, secure: false, user: '', password: '' };
const GOOD_PROXIES: [string, unknown][] = [
  ['http://proxy.corp:3128', PROXY],
  ['proxy.corp:3128', PROXY],
  ['HTTP://Proxy.Corp:3128/', PROXY],
  ['proxy.corp', { ...PROXY, port: 80 }],
  ['https://proxy.corp', { ...PROXY, port: 443, secure: true }],
  ['http://me:p%40ss%3Aword@proxy.corp:3128', { ...PROXY, user: 'me', password: 'p@ss:word' }],
  ['me:p@ss@proxy.corp:3128', { ...PROXY, user: 'me', password: 'p@ss' }],
  ['http://[::1]:3128', { ...PROXY, host: '::1' }],
];
const BAD_PROXIES = [
  'socks5://proxy.corp:1080',
  'ftp://proxy.corp',
  'http://',
  'http://proxy.corp:99999',
  'proxy.corp:0',
  'two words',
  'http://me:%zz@proxy.corp',
  `http://${'x'.repeat(2_100)}`,
];

const GOOD: Readonly<Record<SettingName, readonly [string, unknown][]>> = {
  apiKey: [
    ['12345678', '12345678'],
    ['dt_live+/=Z', 'dt_live+/=Z'],
    ['x'.repeat(512), 'x'.repeat(512)],
  ],
  apiKeyFile: [
    ['/run/secrets/key', '/run/secrets/key'],
    ['~/key', '~/key'],
  ],
  apiUrl: [
    ['https://api.doitong.com', 'https://api.doitong.com'],
    ['https://API.doitong.com:443/', 'https://api.doitong.com'],
    ['https://api.doitong.com./', 'https://api.doitong.com'],
    ['https://API.doitong.com.:443', 'https://api.doitong.com'],
    ['https://BÜCHER.example.:443/', 'https://xn--bcher-kva.example'],
    ['http://127.1:80', 'http://127.0.0.1'],
    ['https://api.example.org:8443', 'https://api.example.org:8443'],
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['http://localhost:4000/', 'http://localhost:4000'],
    ['http://[::1]:4000', 'http://[::1]:4000'],
  ],
  plan: ['auto', 'free', 'starter', 'pro', 'enterprise'].map((plan) => [plan, plan]),
  dialect: ['auto', 'generate', 'generateImage', 'rest'].map((name) => [name, name]),
  jobQuery: [
    ['auto', 'auto'],
    ['job(id)', { field: 'job', argument: 'id' }],
    [' imageJob ( jobId ) ', { field: 'imageJob', argument: 'jobId' }],
  ],
  downloadHosts: [
    ['cdn.doitong.com', ['cdn.doitong.com']],
    ['CDN.doitong.com, img.example.org', ['cdn.doitong.com', 'img.example.org']],
  ],
  webhookUrl: [
    ['https://hooks.example.org/doitong', 'https://hooks.example.org/doitong'],
    ['https://HOOKS.example.org:443/a/../b?token=1', 'https://hooks.example.org/b?token=1'],
    ['https://hooks.example.org:8443/x/', 'https://hooks.example.org:8443/x/'],
    ['http://127.0.0.1:8080/doitong', 'http://127.0.0.1:8080/doitong'],
    ['http://localhost/doitong', 'http://localhost/doitong'],
    ['http://[::1]:8080/doitong', 'http://[::1]:8080/doitong'],
    [`https://a.example/${'x'.repeat(1_982)}`, `https://a.example/${'x'.repeat(1_982)}`],
  ],
  webhookSecret: [
    ['12345678', '12345678'],
    ['zwölf Füchse', 'zwölf Füchse'],
    ['x'.repeat(512), 'x'.repeat(512)],
  ],
  webhookListen: [
    ['8080', { host: '127.0.0.1', port: 8080 }],
    ['1', { host: '127.0.0.1', port: 1 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
    ['localhost:08080', { host: 'localhost', port: 8080 }],
    ['hooks.home.arpa:8080', { host: 'hooks.home.arpa', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[::ffff:127.0.0.1]:8080', { host: '::ffff:127.0.0.1', port: 8080 }],
  ],
  httpsProxy: GOOD_PROXIES,
  httpProxy: GOOD_PROXIES,
  noProxy: [['localhost, .corp 10.0.0.0/8', 'localhost, .corp 10.0.0.0/8']],
  outputDir: [
    ['/srv/pictures', '/srv/pictures'],
    ['~', '~'],
    ['~/Bilder', '~/Bilder'],
  ],
  stateDir: [
    ['/var/lib/flux', '/var/lib/flux'],
    ['~/state', '~/state'],
  ],
  maxCreditsPerDay: goodNumbers(...CREDITS),
  maxCreditsPerCall: goodNumbers(...CREDITS),
  maxImagesPerDay: goodNumbers(0, 1_000_000),
  confirmAboveCredits: goodNumbers(...CREDITS),
  lowCreditsAlert: goodNumbers(...CREDITS),
  duplicateHours: goodNumbers(0, 168),
  waitSeconds: [
    ['0', 0],
    ['045', 45],
    ['300', 300],
  ],
  resultContent: [
    ['auto', 'auto'],
    ['text', ['text']],
    ['text, image,link,structured', ['text', 'image', 'link', 'structured']],
  ],
  preview: [['auto', 'auto'], ['off', 'off'], ...goodNumbers(64, 4_096)],
  logLevel: ['debug', 'info', 'warn', 'error', 'silent'].map((level) => [level, level]),
};

const BAD: Readonly<Record<SettingName, readonly string[]>> = {
  apiKey: ['1234567', 'x'.repeat(513), 'two words', 'new\nline', 'schlüssel'],
  apiKeyFile: ['key.txt', './key', '../key', '~other/key', '/a\0b'],
  apiUrl: [
    'api.doitong.com',
    'http://api.doitong.com',
    'http://127.0.0.1.evil.com',
    'https://api.doitong.com/graphql',
    'https://api.doitong.com/?a=1',
    'https://api.doitong.com/#a',
    'https://user@api.doitong.com',
    'ftp://127.0.0.1',
    'file:///etc/passwd',
  ],
  plan: ['Pro', 'gold', 'free,pro'],
  dialect: ['graphql', 'generateimage', 'REST', 'generate,rest'],
  jobQuery: ['job', 'job()', '(id)', 'job(id', 'job(id) { x }', 'job(id: 1)', '1job(id)', `${'j'.repeat(101)}(id)`],
  downloadHosts: [
    'https://cdn.doitong.com',
    'cdn.doitong.com:443',
    'cdn.doitong.com/x',
    'a,,b',
    '*.doitong.com',
    '-a.com',
    'cdn.doitong.com.',
  ],
  webhookUrl: [
    'hooks.example.org/doitong',
    'http://hooks.example.org/doitong',
    'http://127.0.0.1.evil.com/doitong',
    'https://hooks.example.org',
    'https://hooks.example.org/',
    'https://hooks.example.org/?token=1',
    'https://hooks.example.org/doitong#part',
    'https://hooks.example.org/doitong#',
    'https://user@hooks.example.org/doitong',
    'https://:word@hooks.example.org/doitong',
    'ftp://127.0.0.1/doitong',
    'file:///doitong',
    `https://a.example/${'x'.repeat(1_983)}`,
  ],
  webhookSecret: ['1234567', 'x'.repeat(513), 'new\nline', 'tab\tstop', 'half a surrogate \ud800'],
  webhookListen: [
    '0',
    '65536',
    '-1',
    'http',
    '8080/tcp',
    '127.0.0.1',
    '127.0.0.1:',
    ':8080',
    '::1:8080',
    '[::1]',
    '[localhost]:8080',
    '[1.2.3.4]:8080',
    '300.1.1.1:8080',
    'a b:8080',
    'user@127.0.0.1:8080',
    'http://127.0.0.1:8080',
  ],
  httpsProxy: BAD_PROXIES,
  httpProxy: BAD_PROXIES,
  noProxy: [],
  outputDir: ['pictures', './pictures', '..', '~other', 'C:pictures', '/a\0b'],
  stateDir: ['state', './state', '../state'],
  maxCreditsPerDay: badNumbers(...CREDITS),
  maxCreditsPerCall: badNumbers(...CREDITS),
  maxImagesPerDay: badNumbers(0, 1_000_000),
  confirmAboveCredits: badNumbers(...CREDITS),
  lowCreditsAlert: badNumbers(...CREDITS),
  duplicateHours: badNumbers(0, 168),
  waitSeconds: ['-1', '301', '1.5', '1e2', 'soon', '0x10', '9999999999'],
  preview: [...badNumbers(64, 4_096), 'on', ''],
  resultContent: ['auto,text', 'picture', 'text,', ','],
  logLevel: ['WARN', 'trace', 'none'],
};

/** As a flag where there is one: unlike in the environment, nothing is trimmed. */
function load(name: SettingName, text: string): ReturnType<typeof loadConfig> {
  const row: Setting = SETTINGS[name];
  const needed = SETTING_NAMES.filter((other) => row.needs?.includes(SETTINGS[other].env));
  const env = Object.fromEntries(needed.map((other) => [SETTINGS[other].env, GOOD[other][0]?.[0] ?? '']));
  return row.flag === undefined ? loadConfig({}, { ...env, [row.env]: text }) : loadConfig({ [row.flag]: text }, env);
}

describe.each(SETTING_NAMES)('%s', (name) => {
  const row: Setting = SETTINGS[name];

  it.each(GOOD[name])('takes %j', (text, value) => {
    const result = load(name, text);
    expect(result.ok && result.config[name]).toEqual(value);
  });

  it.each(BAD[name])('refuses %j and says what is allowed', (text) => {
    const result = load(name, text);
    expect(result.ok ? [] : result.problems.map(settingProblemText)).toEqual([
      expect.stringContaining(`Allowed: ${row.allowed}.`),
    ]);
  });

  it('can be documented: help is a sentence, what is allowed completes one', () => {
    expect(row.help).toMatch(/^[A-Z].*\.$/u);
    expect(row.allowed).toMatch(/[^.]$/u);
    expect(row.env).toMatch(/^(?:(?:DOITONG|FLUX)_[A-Z_]+|(?:HTTPS?|NO)_PROXY)$/u);
    if (row.flag !== undefined) expect(row.flag).toMatch(/^[a-z]+(?:-[a-z]+)*$/u);
  });

  it('has a default that it allows itself', () => {
    if (row.default !== undefined) expect(row.schema.safeParse(row.default).success).toBe(true);
  });
});

describe('the table', () => {
  const rows: readonly Setting[] = SETTING_NAMES.map((name) => SETTINGS[name]);

  it('names each variable and each flag once', () => {
    const names = rows.flatMap((row) => [row.env, ...(row.flag === undefined ? [] : [row.flag])]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has no flag and no default for what is secret', () => {
    const secrets = rows.filter((row) => row.secret);
    expect(secrets.map((row) => row.env)).toEqual(['DOITONG_API_KEY', 'DOITONG_WEBHOOK_SECRET']);
    for (const row of secrets) expect([row.flag, row.default]).toEqual([undefined, undefined]);
  });

  it('needs nothing that is not in it', () => {
    const variables = rows.map(({ env }) => env);
    for (const row of rows) for (const name of row.needs ?? []) expect(variables).toContain(name);
  });

  it('keeps the flags of every command clear', () => {
    const taken = ['help', 'version', 'sandbox', 'http', 'prompt', 'port'];
    for (const row of rows) expect(taken).not.toContain(row.flag);
  });
});

it('the dialects that may be set are those that the program knows', () => {
  expect(SETTINGS.dialect.schema.options).toEqual(['auto', ...DIALECT_NAMES]);
});
