// Owns the choice of scenarios by name: what there is to choose from, what excludes what, and what a choice changes.

import type { JobEnding } from '../job.ts';
import type { ResetFormat } from '../limits.ts';
import { type ScenarioGroup, type ScenarioName, scenarioSentences } from './sentences.ts';

/** What holds where no scenario changes it. */
export const plainTraits = {
  jobTimeFactor: 1,
  /** How far the service's clock is ahead of the machine's. */
  clockAheadMs: 0,
  /** How every job ends; undefined: as its prompt asks, else with a picture. */
  ending: undefined as JobEnding | undefined,
  /** The status of a job in the second half of its time. */
  lateStatus: undefined as string | undefined,
  /** Whether statuses are other words, in upper case. */
  shoutingStatus: false,
  /** The balance to begin with; undefined: as the options say. */
  credits: undefined as number | undefined,
  refusalsWith200: false,
  /** Whether the first address of a picture has expired when it is fetched. */
  expiringUrls: false,
  wrongContentType: false,
  /** Whether /graphql is there at all. */
  graphql: true,
  introspection: true,
  /** Whether the mutation `generate` is there. */
  generate: true,
  /** Whether the input types have version, quality and webhookUrl. */
  optionalInput: true,
  rootFieldsMax: Number.POSITIVE_INFINITY,
  /** Whether each field at the root counts as a request. */
  countsFields: false,
  /** The root field, and its argument, that answer for a job. */
  statusQuery: { field: 'checkJobStatus', argument: 'jobId' },
  webhooks: false,
  webhooksForged: false,
  /** How long after the end of its job a webhook is sent. */
  webhookDelayMs: 0,
  webhookTimes: 1,
  /** How X-RateLimit-Reset is written; undefined: the X-RateLimit headers are left out. */
  resetFormat: 'epoch-seconds' as ResetFormat | undefined,
};

export type Traits = typeof plainTraits;

const { introspection, generate, optionalInput, rootFieldsMax, countsFields, statusQuery } = plainTraits;

/** Scenarios that set the same trait exclude each other. Faults of first tries set none. */
const traitsOf: Partial<Record<ScenarioName, Partial<Traits>>> = {
  'errors-with-200': { refusalsWith200: true },
  'out-of-credits': { credits: 0 },
  'low-credits': { credits: 20 },
  slow: { jobTimeFactor: 10 },
  moderated: { ending: 'moderated' },
  failing: { ending: 'failed' },
  'never-finishing': { ending: 'never' },
  'unknown-status': { lateStatus: 'POSTPROCESSING_v2' },
  'shouting-status': { shoutingStatus: true },
  'expired-url': { expiringUrls: true },
  'wrong-content-type': { wrongContentType: true },
  'only-generate-image': { generate: false },
  // With all that others change about GraphQL: none of it is there to be changed.
  'only-rest': {
    graphql: false,
    ...{ introspection, generate, optionalInput, rootFieldsMax, countsFields, statusQuery },
  },
  'no-introspection': { introspection: false },
  'renamed-query': { statusQuery: { field: 'generationById', argument: 'generationId' } },
  'strict-input': { optionalInput: false },
  'small-queries': { rootFieldsMax: 3 },
  'webhooks-forged': { webhooksForged: true },
  'webhooks-late': { webhookDelayMs: 60_000 },
  'webhooks-twice': { webhookTimes: 2 },
  'rate-headers-iso': { resetFormat: 'iso' },
  'rate-headers-ms': { resetFormat: 'epoch-ms' },
  'rate-headers-delta': { resetFormat: 'seconds-from-now' },
  'no-rate-headers': { resetFormat: undefined },
  'counts-fields': { countsFields: true },
  'skewed-clock': { clockAheadMs: 10 * 60_000 },
};

export type Scenario = {
  name: ScenarioName;
  group: ScenarioGroup;
  /** What it does on the wire, in one sentence of Markdown. */
  sentence: string;
  /** The scenarios that it cannot be combined with; they name this one, too. */
  excludes: readonly ScenarioName[];
};

/** What the scenarios that are on add up to; the names in the order given. */
export type Chosen = { names: readonly ScenarioName[]; traits: Traits };

/** A choice of scenarios that makes no sense; the message says why. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

function excludedBy(name: string): string[] {
  const traits = traitsOf[name as ScenarioName] ?? {};
  const others = Object.entries(traitsOf).filter(([other]) => other !== name);
  return others
    .filter(([, changed]) => Object.keys(changed).some((trait) => Object.hasOwn(traits, trait)))
    .map(([other]) => other);
}

/** Every scenario, for help and documents; plain data. */
export const SCENARIOS: readonly Scenario[] = Object.entries(scenarioSentences).flatMap(([group, sentences]) =>
  Object.entries(sentences).map(
    ([name, sentence]) => ({ group, name, sentence, excludes: excludedBy(name) }) as Scenario,
  ),
);

/** A name that comes twice counts once. @throws ScenarioError for an unknown name and for a pair that excludes itself. */
export function chooseScenarios(names: readonly string[]): Chosen {
  const chosen = [...new Set(names)].map((name) => {
    const known = SCENARIOS.find((scenario) => scenario.name === name);
    if (known) return known;
    const all = SCENARIOS.map((scenario) => scenario.name).join(', ');
    throw new ScenarioError(`There is no scenario ${JSON.stringify(name)}. There are: ${all}.`);
  });
  for (const [index, one] of chosen.entries()) {
    const others = chosen.slice(index + 1).filter(({ name }) => one.excludes.includes(name));
    if (others.length === 0) continue;
    const those = others.map(({ name }) => `"${name}"`).join(' and ');
    throw new ScenarioError(`The scenario "${one.name}" cannot be combined with ${those}.`);
  }
  // Each webhook scenario sends webhooks, whether or not the plain one is named as well.
  const traits: Traits = { ...plainTraits, webhooks: chosen.some(({ group }) => group === 'webhooks') };
  for (const { name } of chosen) Object.assign(traits, traitsOf[name]);
  return { names: chosen.map(({ name }) => name), traits };
}
