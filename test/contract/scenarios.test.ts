/** Every scenario of the sandbox in every dialect: what comes of an order, what it costs, and what the model reads. */
import { describe, expect, it } from 'vitest';
import { SCENARIOS } from '../../sandbox/scenarios.ts';
import { FAILURE_KINDS } from '../../src/core/failure.ts';
import { CASES, type Case, type Outcome } from './scenario-cases.ts';
import { play, SETTINGS, type Seen, type Setting } from './scenario-play.ts';

const titleOf = ({ scenarios }: Case): string => (scenarios.length === 0 ? 'a good day' : scenarios.join(' + '));
/** What was seen, by case and setting. */
const played = new Map<Case, Map<Setting, Seen>>();

it('the table has every scenario alone', () => {
  const alone = CASES.filter(({ scenarios }) => scenarios.length === 1).flatMap(({ scenarios }) => scenarios);
  expect(alone).toEqual(SCENARIOS.map(({ name }) => name));
  const kinds = new Set<string>(['ok', 'processing', ...FAILURE_KINDS]);
  const named = CASES.flatMap(({ expected }) => SETTINGS.map((setting) => expected[setting].kind));
  expect(named.filter((kind) => !kinds.has(kind))).toEqual([]);
});

describe.each(CASES.map((item) => [titleOf(item), item] as const))('%s', (_, item) => {
  it.each(SETTINGS)('by %s', async (setting) => {
    const seen = await play(item, setting);
    played.set(item, (played.get(item) ?? new Map<Setting, Seen>()).set(setting, seen));
    const { reads, spent = '–', ...outcome } = item.expected[setting];
    expect(seen).toMatchObject({ ...outcome, spent, ...(reads === 'several' ? {} : { reads }), others: 0 });
    if (reads === 'several') expect(seen.reads).toBeGreaterThan(1);
    // No answer without a next step, no charge that no record knows, no order under a key that is on no record.
    expect(seen.text).toMatch(/^Next: .{20,}/m);
    expect(seen).toMatchObject({ unknownCharges: [], strayKeys: [] });
    expect(seen.text + seen.log).not.toContain(seen.secret);
  });
});

it('is told in docs/scenarios.md', async ({ skip }) => {
  const all = CASES.every((item) => played.get(item)?.size === SETTINGS.length);
  skip(!all, 'a filtered run knows only part of the table');
  await expect(page()).toMatchFileSnapshot('../../docs/scenarios.md');
});

/** Dialects with the same outcome share a row. */
function rowsOf(item: Case): string[] {
  const rows = new Map<string, Setting[]>();
  for (const setting of SETTINGS) {
    const sharedValues = columnsOf(item.expected[setting], played.get(item)?.get(setting));
    rows.set(sharedValues, [...(rows.get(sharedValues) ?? []), setting]);
  }
  return [...rows].map(([sharedValues, settings]) => {
    const who = settings.length === SETTINGS.length ? 'all' : settings.join(', ');
    return `| ${titleOf(item)} | ${who} | ${sharedValues} |`;
  });
}

function columnsOf({ kind, orders, schema, reads, charges, spent }: Outcome, seen: Seen | undefined): string {
  const requests = reads === 'several' ? `${orders + schema + 2} or more` : orders + schema + reads;
  const said = seen?.said.replaceAll(/job_[0-9a-z]{20}/gu, 'JOB').replaceAll(/\s*\n\s*/gu, ' ');
  return [kind, requests, orders, charges, spent ?? '–', said].join(' | ');
}

function page(): string {
  return [
    '# What happens to an order in each scenario',
    '',
    'Written by `test/contract/scenarios.test.ts`, which plays each scenario of [the sandbox](sandbox.md) in each',
    'dialect, set by `DOITONG_DIALECT`, through the real tool. `ok`: the picture is there. Requests are all that went to',
    'the API: orders, questions for the schema, status reads. An order carries a version and a quality; with',
    'webhooks and `strict-input` alone it carries a webhook as well. `low-credits` is the second of two orders of',
    '1024×1024, of which the first is paid; everything else is one order of 512×512.',
    '',
    '| scenario | dialect | kind | requests | orders | charges | credits spent | what the model reads |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...CASES.flatMap(rowsOf),
    '',
  ].join('\n');
}
