/** Proves each setting's good and bad values, and that every row of the table can be documented. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../../../src/config/settings.ts';

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
    ['https://api.example.org:8443', 'https://api.example.org:8443'],
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['http://localhost:4000/', 'http://localhost:4000'],
    ['http://[::1]:4000', 'http://[::1]:4000'],
  ],
  plan: ['auto', 'free', 'starter', 'pro', 'enterprise'].map((plan) => [plan, plan]),
  jobQuery: [
    ['auto', 'auto'],
    ['job(id)', { field: 'job', argument: 'id' }],
    [' imageJob ( jobId ) ', { field: 'imageJob', argument: 'jobId' }],
  ],
  downloadHosts: [
    ['cdn.doitong.com', ['cdn.doitong.com']],
    ['CDN.doitong.com, img.example.org', ['cdn.doitong.com', 'img.example.org']],
  ],
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
  stalledMinutes: goodNumbers(1, 1_440),
  resendHours: goodNumbers(0, 23),
  waitSeconds: [
    ['0', 0],
    ['045', 45],
    ['300', 300],
  ],
  resultParts: [
    ['auto', 'auto'],
    ['text', ['text']],
    ['text, image,link,structured', ['text', 'image', 'link', 'structured']],
  ],
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
  outputDir: ['pictures', './pictures', '..', '~other', 'C:pictures', '/a\0b'],
  stateDir: ['state', './state', '../state'],
  maxCreditsPerDay: badNumbers(...CREDITS),
  maxCreditsPerCall: badNumbers(...CREDITS),
  maxImagesPerDay: badNumbers(0, 1_000_000),
  confirmAboveCredits: badNumbers(...CREDITS),
  lowCreditsAlert: badNumbers(...CREDITS),
  stalledMinutes: badNumbers(1, 1_440),
  resendHours: badNumbers(0, 23),
  waitSeconds: ['-1', '301', '1.5', '1e2', 'soon', '0x10', '9999999999'],
  resultParts: ['auto,text', 'picture', 'text,', ','],
  logLevel: ['WARN', 'trace', 'none'],
};

/** As a flag where there is one: unlike in the environment, nothing is trimmed on the way. */
function load(name: SettingName, text: string): ReturnType<typeof loadConfig> {
  const row: Setting = SETTINGS[name];
  return row.flag === undefined ? loadConfig({}, { [row.env]: text }) : loadConfig({ [row.flag]: text }, {});
}

describe.each(SETTING_NAMES)('%s', (name) => {
  const row: Setting = SETTINGS[name];

  it.each(GOOD[name])('takes %j', (text, value) => {
    const result = load(name, text);
    expect(result.ok && result.config[name]).toEqual(value);
  });

  it.each(BAD[name])('refuses %j and says what is allowed', (text) => {
    const result = load(name, text);
    expect(result.ok ? [] : result.problems).toEqual([expect.stringContaining(`Allowed: ${row.allowed}.`)]);
  });

  it('can be documented: help is a sentence, what is allowed completes one', () => {
    expect(row.help).toMatch(/^[A-Z].*\.$/u);
    expect(row.allowed).toMatch(/[^.]$/u);
    expect(row.env).toMatch(/^(?:DOITONG|FLUX)_[A-Z_]+$/u);
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
    expect(secrets.map((row) => row.env)).toEqual(['DOITONG_API_KEY']);
    for (const row of secrets) expect([row.flag, row.default]).toEqual([undefined, undefined]);
  });

  it('keeps the flags of every command clear', () => {
    const taken = ['help', 'version', 'sandbox', 'http', 'prompt', 'port'];
    for (const row of rows) expect(taken).not.toContain(row.flag);
  });
});
