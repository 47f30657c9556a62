// Owns the scenarios: their names, what each does in a sentence and in traits, what excludes what, and a choice of them.

import type { JobEnding } from './job.ts';
import type { ResetFormat } from './limits.ts';

/** By group, in the order in which they are listed. A reader knows the API's page and nothing of the code. */
export const scenarioSentences = {
  answers: {
    'rate-limited': 'The first try of each order is answered 429 with `Retry-After: 1`; nothing is charged.',
    'rate-limited-silent':
      'The first try of each order is answered 429 without `Retry-After` and without `X-RateLimit-Reset`; nothing is charged.',
    'error-before-charge': 'The first try of each order is answered 500; nothing is charged.',
    'error-after-charge': 'The first try of each order is charged and answered 500.',
    'lost-reply': 'The first try of each order is charged, and the connection is destroyed without an answer.',
    'truncated-reply':
      'The first try of each order is charged, and half of the answer is sent under the length of the whole before the connection is destroyed.',
    'proxy-html':
      'The first try of every request to the API, reads too, is answered 502 with an HTML page by a proxy; nothing is done.',
    'errors-with-200':
      'Whatever the API refuses comes with HTTP 200, first tries and all later ones: the `errors` array decides.',
  },
  credits: {
    'out-of-credits': 'The balance is 0: every order is answered 402 with `creditsRequired` and `creditsAvailable`.',
    'low-credits':
      'The balance pays for exactly one picture of 1024×1024, or for two of up to 512×512; then comes 402.',
  },
  jobs: {
    slow: 'Jobs take ten times as long.',
    moderated: 'Every job ends as `moderated`; its credits are not given back.',
    failing: 'Every job ends as `failed`; its credits are given back.',
    'never-finishing': 'Every job is charged, stays `processing` for ever and occupies one of the plan’s slots.',
    'unknown-status': 'In the second half of its time a job has the status `POSTPROCESSING_v2`.',
    'shouting-status':
      'Statuses are reported as `QUEUED` (the first quarter of a job’s time), `IN_PROGRESS`, `SUCCEEDED`, `ERROR` and `REJECTED` (moderated).',
  },
  pictures: {
    'expired-url':
      'The first address of a finished picture answers 403 or 410, whenever it is fetched; the job read after that has a fresh one, with another signature, that works.',
    'wrong-content-type': 'Pictures are served as `text/html` or `application/octet-stream` though they are JPEG.',
  },
  schema: {
    'only-generate-image': 'The schema has no `generate`: orders go through `generateImage` or REST.',
    'only-rest':
      '`/graphql` answers 404: orders go through `POST /v1/text_to_image`, reads through `GET /v1/text_to_image/{id}`.',
    'no-introspection': 'A question for the schema is answered 400 with a validation error; everything else works.',
    'renamed-query': 'The status query is `generationById(generationId: ID!)`.',
    'strict-input':
      'The GraphQL input types have no `version`, `quality` and `webhookUrl`: an order that sends one is answered 400 with a validation error and is not charged.',
    'small-queries':
      'A document that asks for more than three jobs is answered 400 with the code `QUERY_TOO_COMPLEX`; nothing is done.',
  },
  webhooks: {
    webhooks: 'When a job ends, the documented body is posted to its `webhookUrl`, signed with the secret.',
    'webhooks-forged':
      'Webhooks are posted with a signature by a wrong secret and a body that lies about the picture’s url.',
    'webhooks-late': 'Webhooks are posted one minute after the end of the job.',
    'webhooks-twice': 'Webhooks are posted two times, byte for byte the same.',
  },
  limits: {
    'rate-headers-iso': '`X-RateLimit-Reset` is an ISO date.',
    'rate-headers-ms': '`X-RateLimit-Reset` is in epoch milliseconds.',
    'rate-headers-delta': '`X-RateLimit-Reset` is in seconds from now.',
    'no-rate-headers':
      'No answer has an `X-RateLimit` header; the limits hold all the same, and their 429 still has `Retry-After`.',
    'counts-fields': 'Every job that one document asks for counts as a request against the rate limit.',
    'skewed-clock':
      'The service’s clock is ten minutes ahead: the `Date` header, the reset and every time that a job reports.',
  },
};

type Table = typeof scenarioSentences;
export type ScenarioGroup = keyof Table;
export type ScenarioName = { [Group in ScenarioGroup]: keyof Table[Group] }[ScenarioGroup];

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

type Scenario = {
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
