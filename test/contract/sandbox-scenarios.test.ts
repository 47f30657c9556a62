// Owns the proof of the scenario table: names, documents, which combinations are refused, and that a seed decides all.

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Sandbox, type ScenarioName, startSandbox } from '../../sandbox/sandbox.ts';
import { chooseScenarios, SCENARIOS, ScenarioError, scenarioSentences } from '../../sandbox/scenarios.ts';

const GROUPS = Object.keys(scenarioSentences);
const NAMES = SCENARIOS.map(({ name }) => name);
const DOCUMENT = readFileSync(new URL('../../docs/sandbox.md', import.meta.url), 'utf8');

let open: Sandbox | undefined;
afterEach(() => open?.close());

describe('the table', () => {
  it('holds every name once, and no name changes unnoticed: users write them', () => {
    expect(NAMES).toEqual([
      'rate-limited',
      'rate-limited-silent',
      'error-before-charge',
      'error-after-charge',
      'lost-reply',
      'truncated-reply',
      'proxy-html',
      'errors-with-200',
      'out-of-credits',
      'low-credits',
      'slow',
      'moderated',
      'failing',
      'never-finishing',
      'unknown-status',
      'shouting-status',
      'expired-url',
      'wrong-content-type',
      'only-generate-image',
      'only-rest',
      'no-introspection',
      'renamed-query',
      'strict-input',
      'small-queries',
      'webhooks',
      'webhooks-forged',
      'webhooks-late',
      'webhooks-twice',
      'rate-headers-iso',
      'rate-headers-ms',
      'rate-headers-delta',
      'no-rate-headers',
      'counts-fields',
      'skewed-clock',
    ]);
    expect(new Set(NAMES).size).toBe(NAMES.length);
  });

  it.each(SCENARIOS)('says of $name in one sentence what it does', ({ name, sentence }) => {
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(sentence).toMatch(/^[A-Z`][^\n|]+\.$/);
    expect(sentence.slice(0, -1)).not.toMatch(/\. [A-Z]/);
    expect(sentence.length).toBeLessThanOrEqual(200);
  });

  it('is plain data, in the order of its groups', () => {
    expect(JSON.parse(JSON.stringify(SCENARIOS))).toEqual(SCENARIOS);
    const order = SCENARIOS.map(({ group }) => GROUPS.indexOf(group));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(GROUPS.length);
  });

  it('is in the document, row by row', () => {
    const rows = SCENARIOS.map(({ name, group, sentence, excludes }) => {
      const others = excludes.map((other) => `\`${other}\``).join(' ') || '–';
      return `| \`${name}\` | ${group} | ${sentence} | ${others} |`;
    });
    const written = DOCUMENT.split('\n').filter((line) => /^\| `[a-z0-9-]+` \|.*\|.*\|.*\|$/.test(line));
    expect(written).toEqual(rows);
  });
});

const excluding: Partial<Record<ScenarioName, readonly ScenarioName[]>> = {
  'out-of-credits': ['low-credits'],
  'low-credits': ['out-of-credits'],
  moderated: ['failing', 'never-finishing'],
  failing: ['moderated', 'never-finishing'],
  'never-finishing': ['moderated', 'failing'],
  'only-rest': [
    'only-generate-image',
    'no-introspection',
    'renamed-query',
    'strict-input',
    'small-queries',
    'counts-fields',
  ],
  'small-queries': ['only-rest'],
  'counts-fields': ['only-rest'],
  'only-generate-image': ['only-rest'],
  'no-introspection': ['only-rest'],
  'renamed-query': ['only-rest'],
  'strict-input': ['only-rest'],
  'rate-headers-iso': ['rate-headers-ms', 'rate-headers-delta', 'no-rate-headers'],
  'rate-headers-ms': ['rate-headers-iso', 'rate-headers-delta', 'no-rate-headers'],
  'rate-headers-delta': ['rate-headers-iso', 'rate-headers-ms', 'no-rate-headers'],
  'no-rate-headers': ['rate-headers-iso', 'rate-headers-ms', 'rate-headers-delta'],
};

describe('combinations', () => {
  it.each(SCENARIOS)('$name excludes what cannot be true at the same time, and nothing else', ({ name, excludes }) => {
    expect(excludes).toEqual(excluding[name] ?? []);
  });

  it('of every pair are refused exactly where the table says so, whichever comes first', () => {
    for (const one of SCENARIOS) {
      for (const other of NAMES) {
        const choose = () => chooseScenarios([one.name, other]);
        if (one.excludes.includes(other)) {
          expect(choose).toThrow(new ScenarioError(`The scenario "${one.name}" cannot be combined with "${other}".`));
        } else expect(choose).not.toThrow();
      }
    }
  });

  it('are refused before anything starts, naming all that do not fit', async () => {
    const scenarios = ['only-rest', 'slow', 'renamed-query', 'strict-input'] as const;
    await expect(startSandbox({ scenarios })).rejects.toThrow(
      new ScenarioError('The scenario "only-rest" cannot be combined with "renamed-query" and "strict-input".'),
    );
  });

  it('with an unknown name are refused with the known ones', async () => {
    for (const name of ['lost-replies', 'toString', '']) {
      const refused = startSandbox({ scenarios: [name as ScenarioName] });
      await expect(refused).rejects.toThrow(ScenarioError);
      await expect(refused).rejects.toThrow(`There is no scenario ${JSON.stringify(name)}. There are: rate-limited, `);
    }
  });

  it('take a name twice as once', () => {
    expect(chooseScenarios(['lost-reply', 'slow', 'lost-reply'])).toEqual(chooseScenarios(['lost-reply', 'slow']));
  });

  it('of none change nothing', () => {
    expect(chooseScenarios([])).toEqual(new Set());
  });
});

/** All that a caller sees of six orders, without what differs by nature: the port. */
async function transcript(seed: string): Promise<unknown[]> {
  let now = Date.UTC(2026, 10, 20, 12, 0, 0);
  const scenarios = [
    'truncated-reply',
    'expired-url',
    'wrong-content-type',
    'unknown-status',
    'rate-headers-ms',
  ] as const;
  const sandbox = await startSandbox({ seed, scenarios, jobDurationMs: 1_000, now: () => now });
  open = sandbox;
  const reported: unknown[] = [];
  const see = async (path: string, init: RequestInit = {}): Promise<Record<string, string>> => {
    const headers = { 'x-api-key': sandbox.key, 'content-type': 'application/json', ...init.headers };
    const response = await fetch(sandbox.url + path, { ...init, headers });
    const text = await response.text().catch(() => '"cut"');
    const { 'content-length': _length, ...rest } = Object.fromEntries(response.headers);
    reported.push([path, response.status, rest, text.replaceAll(sandbox.url, '')]);
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
  };
  for (let index = 0; index < 6; index++) {
    const body = JSON.stringify({ service: 'flux-pro', prompt: 'a fox', width: 256, height: 256 });
    const order = { method: 'POST', body, headers: { 'idempotency-key': `key-${index}` } };
    await see('/v1/text_to_image', order);
    const { id } = await see('/v1/text_to_image', order);
    for (const step of [450, 450, 250]) {
      now += step;
      await see(`/v1/text_to_image/${id}`);
    }
    for (let time = 0; time < 2; time++) {
      const { url } = await see(`/v1/text_to_image/${id}`);
      await see(String(url).slice(sandbox.url.length));
    }
  }
  reported.push(sandbox.inspect());
  await sandbox.close();
  return reported;
}

describe('the seed', () => {
  it('decides all that is left open: equal runs are equal, and others differ', async () => {
    const first = await transcript('one');
    expect(first).toHaveLength(6 * 9 + 1);
    expect(await transcript('one')).toEqual(first);
    expect(await transcript('two')).not.toEqual(first);
  });
});
