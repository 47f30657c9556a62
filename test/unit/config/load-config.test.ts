/** Proves which source of a setting wins, what counts as unset, and what the message about a bad value says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingProblemText } from '../../../src/cli/settings.ts';
import { type ConfigResult, loadConfig } from '../../../src/config/load-config.ts';
import type { Config } from '../../../src/config/settings.ts';

const loaded = (result: ConfigResult): Config => {
  if (!result.ok) throw new Error(problems(result).join('\n'));
  return result.config;
};
const problems = (result: ConfigResult): string[] => (result.ok ? [] : result.problems.map(settingProblemText));

describe('without flags and environment', () => {
  it('every setting has the default of the public interface', () => {
    expect(loaded(loadConfig({}, {}))).toEqual({
      apiUrl: 'https://api.doitong.com',
      plan: 'auto',
      dialect: 'auto',
      jobQuery: 'auto',
      downloadHosts: ['cdn.doitong.com'],
      maxCreditsPerDay: 1_000,
      maxCreditsPerCall: 500,
      maxImagesPerDay: 100,
      confirmAboveCredits: 100,
      lowCreditsAlert: 100,
      duplicateHours: 24,
      waitSeconds: 45,
      preview: 'auto',
      resultContent: 'auto',
      logLevel: 'warn',
      folderVariables: {},
    });
  });
});

describe('precedence', () => {
  it('is flag before environment before default', () => {
    const env = { FLUX_WAIT_SECONDS: '20' };
    expect(loaded(loadConfig({ 'wait-seconds': '10' }, env)).waitSeconds).toBe(10);
    expect(loaded(loadConfig({}, env)).waitSeconds).toBe(20);
    expect(loaded(loadConfig({}, {})).waitSeconds).toBe(45);
  });

  it('ignores a bad value in the environment that a flag overrides', () => {
    expect(loaded(loadConfig({ plan: 'pro' }, { DOITONG_PLAN: 'gold' })).plan).toBe('pro');
  });

  it('never takes the key from a flag', () => {
    for (const flag of ['api-key', 'key', 'apiKey', 'DOITONG_API_KEY']) {
      expect(loaded(loadConfig({ [flag]: 'dt_live_12345678' }, {})).apiKey).toBeUndefined();
    }
  });
});

describe('in the environment', () => {
  it.each(['', '   ', `\${user_config.output_dir}`, ` \${user_config.x} `])('%j counts as unset', (empty) => {
    const env = {
      DOITONG_API_KEY: empty,
      DOITONG_API_KEY_FILE: empty,
      DOITONG_API_URL: empty,
      FLUX_OUTPUT_DIR: empty,
      FLUX_WAIT_SECONDS: empty,
      FLUX_RESULT: empty,
    };
    expect(loadConfig({}, env)).toEqual(loadConfig({}, {}));
  });

  it.each([
    ['DOITONG_API_URL', `\${input:url}`, `\${input:url}`],
    ['DOITONG_API_URL', `https://\${env:HOST}`, `\${env:HOST}`],
    ['FLUX_OUTPUT_DIR', `\${workspaceFolder}/pictures`, `\${workspaceFolder}`],
    ['FLUX_OUTPUT_DIR', '$HOME/pictures', '$HOME'],
    ['FLUX_STATE_DIR', '%LOCALAPPDATA%\\flux', '%LOCALAPPDATA%'],
    ['FLUX_STATE_DIR', '~/{{name}}', '{{name}}'],
    ['FLUX_STATE_DIR', `/srv/\${user_config.state}`, `\${user_config.state}`],
    ['DOITONG_API_KEY_FILE', `\${DOITONG_API_KEY_FILE}`, `\${DOITONG_API_KEY_FILE}`],
    ['DOITONG_WEBHOOK_SECRET', `\${input:webhook-secret}`, `\${input:webhook-secret}`],
    ['DOITONG_WEBHOOK_SECRET', 'undefined', 'undefined'],
    ['DOITONG_WEBHOOK_SECRET', '<your-secret>', '<your-secret>'],
    ['FLUX_LOG_LEVEL', '{{level}}', '{{level}}'],
  ])('%s=%s names the placeholder that nobody filled in', (variable, text, placeholder) => {
    const lines = problems(loadConfig({}, { [variable]: text }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${variable}: the host did not fill in ${placeholder}. Write the value itself there.`);
  });

  it('space around a value does not count', () => {
    expect(loaded(loadConfig({}, { DOITONG_API_KEY: ' dt_live_12345678\n' })).apiKey).toBe('dt_live_12345678');
  });

  it('a value that merely contains a placeholder is not unset', () => {
    expect(problems(loadConfig({}, { DOITONG_PLAN: `x\${user_config.x}` }))).toHaveLength(1);
  });
});

describe('a bad value', () => {
  it('is named with its setting and with what is allowed', () => {
    expect(problems(loadConfig({}, { DOITONG_PLAN: 'gold' }))).toEqual([
      'DOITONG_PLAN: "gold" is not allowed. Allowed: auto, free, starter, pro, enterprise.',
    ]);
  });

  it('from a flag is named with the flag', () => {
    expect(problems(loadConfig({ 'wait-seconds': '301' }, {}))).toEqual([
      '--wait-seconds (FLUX_WAIT_SECONDS): "301" is not allowed. Allowed: a whole number of seconds from 0 to 300.',
    ]);
    expect(problems(loadConfig({ 'output-dir': '' }, {}))[0]).toContain('--output-dir (FLUX_OUTPUT_DIR): ""');
  });

  it('hides none of the others: all problems are reported at once', () => {
    const env = { DOITONG_PLAN: 'gold', FLUX_LOG_LEVEL: 'loud', DOITONG_API_URL: 'http://example.org' };
    expect(problems(loadConfig({}, env)).map((line) => line.split(':')[0])).toEqual([
      'DOITONG_API_URL',
      'DOITONG_PLAN',
      'FLUX_LOG_LEVEL',
    ]);
  });

  it('stays on one line of bounded length, whatever it contains', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 2_000 }), (text) => {
        for (const line of problems(loadConfig({ plan: `?${text}` }, {}))) {
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
          expect(line.length).toBeLessThan(400);
        }
      }),
    );
  });
});

describe('a setting that needs others', () => {
  const LISTEN = { DOITONG_WEBHOOK_LISTEN: '8080' };
  const URL = { DOITONG_WEBHOOK_URL: 'https://hooks.example.org/doitong' };
  const SECRET = { DOITONG_WEBHOOK_SECRET: 'whsec_fox-and-hen' };
  const NEEDS = 'DOITONG_WEBHOOK_LISTEN: it needs DOITONG_WEBHOOK_URL and DOITONG_WEBHOOK_SECRET, and';

  it.each([
    [LISTEN, `${NEEDS} DOITONG_WEBHOOK_URL and DOITONG_WEBHOOK_SECRET are not set.`],
    [{ ...LISTEN, ...URL }, `${NEEDS} DOITONG_WEBHOOK_SECRET is not set.`],
    [{ ...LISTEN, ...SECRET, DOITONG_WEBHOOK_URL: ' ' }, `${NEEDS} DOITONG_WEBHOOK_URL is not set.`],
  ])('is refused without one of them, and names it: %j', (env, message) => {
    expect(problems(loadConfig({}, env))).toEqual([message]);
  });

  it('is taken with all of them, from wherever they come', () => {
    const config = loaded(loadConfig({ 'webhook-listen': '[::1]:8080' }, { ...URL, ...SECRET }));
    expect(config.webhookListen).toEqual({ host: '::1', port: 8080 });
  });

  it('says nothing more about one of them that is refused', () => {
    const env = { ...LISTEN, ...SECRET, DOITONG_WEBHOOK_URL: 'http://hooks.example.org/doitong' };
    expect(problems(loadConfig({}, env))).toEqual([expect.stringMatching(/^DOITONG_WEBHOOK_URL: /u)]);
  });

  it('is needed by none: they have a use without it', () => {
    expect(loaded(loadConfig({}, URL)).webhookUrl).toBe('https://hooks.example.org/doitong');
    expect(loaded(loadConfig({}, SECRET)).webhookSecret).toBe('whsec_fox-and-hen');
  });

  it('is not checked where it is not used', () => {
    expect(loadConfig({}, LISTEN, ['webhookListen'])).toEqual(loadConfig({}, {}));
  });
});

describe('a secret', () => {
  it.each(['short', 'with space in it', 'käse-käse-käse', 'x'.repeat(513)])('is not shown when refused: %j', (key) => {
    const [line] = problems(loadConfig({}, { DOITONG_API_KEY: key }));
    expect(line).toBe(
      'DOITONG_API_KEY: the value (not shown) is not allowed. Allowed: 8 to 512 visible ASCII characters without spaces.',
    );
  });

  it.each([`\${input:doitong-key}`, 'undefined', 'null', '"dt_live_12345678"', 'Bearer dt_live_12345678'])(
    'that is plainly something else is no reason not to start: %j',
    (key) => {
      expect(loaded(loadConfig({}, { DOITONG_API_KEY: key })).apiKey).toBe(key);
    },
  );

  it('for webhooks is not shown when refused', () => {
    expect(problems(loadConfig({}, { DOITONG_WEBHOOK_SECRET: 'hen' }))).toEqual([
      'DOITONG_WEBHOOK_SECRET: the value (not shown) is not allowed. Allowed: 8 to 512 characters, none of them a control character.',
    ]);
  });

  it('that was put where the path of the key file belongs is not shown either', () => {
    const [line] = problems(loadConfig({}, { DOITONG_API_KEY_FILE: 'dt_live_12345678' }));
    expect(line).toMatch(/^DOITONG_API_KEY_FILE: the value \(not shown\) is not allowed\./u);
  });

  it('in the user part of a refused URL is not shown either', () => {
    const [line] = problems(loadConfig({}, { DOITONG_API_URL: 'https://me:hunter22@api.doitong.com' }));
    expect(line).toContain('DOITONG_API_URL: "https://[redacted]@api.doitong.com" is not allowed.');
  });
});
