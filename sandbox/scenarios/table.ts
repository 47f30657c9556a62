// Owns the table of scenarios: the name of each, what it does on the wire in one sentence, and the traits behind it.

import { priceCredits } from '../price.ts';
import type { FirstTry, Traits } from './traits.ts';

/** In the order in which they are listed. */
export const SCENARIO_GROUPS = ['answers', 'credits', 'jobs', 'pictures', 'schema', 'webhooks', 'limits'] as const;

type Row = {
  name: string;
  group: (typeof SCENARIO_GROUPS)[number];
  /** One sentence; a reader knows the API's page and nothing of the code. */
  sentence: string;
  traits: Partial<Traits>;
  firstTry?: FirstTry;
  /** Beside the scenarios that set the same trait, which exclude this one by themselves. */
  excludes?: readonly string[];
};

const SLOW_FACTOR = 10;
const WEBHOOK_DELAY_MS = 60_000;
const CLOCK_AHEAD_MS = 10 * 60_000;

const rows = [
  {
    name: 'rate-limited',
    group: 'answers',
    sentence: 'The first try of each order is answered 429 with `Retry-After: 1`; nothing is charged.',
    traits: {},
    firstTry: { stage: 'before-charging', answer: 'rate-limited' },
  },
  {
    name: 'rate-limited-silent',
    group: 'answers',
    sentence:
      'The first try of each order is answered 429 without `Retry-After` and without `X-RateLimit-Reset`; nothing is charged.',
    traits: {},
    firstTry: { stage: 'before-charging', answer: 'rate-limited-silent' },
  },
  {
    name: 'error-before-charge',
    group: 'answers',
    sentence: 'The first try of each order is answered 500; nothing is charged.',
    traits: {},
    firstTry: { stage: 'before-charging', answer: 'error' },
  },
  {
    name: 'error-after-charge',
    group: 'answers',
    sentence: 'The first try of each order is charged and answered 500.',
    traits: {},
    firstTry: { stage: 'after-charging', answer: 'error' },
  },
  {
    name: 'lost-reply',
    group: 'answers',
    sentence: 'The first try of each order is charged, and the connection is destroyed without an answer.',
    traits: {},
    firstTry: { stage: 'after-charging', answer: 'lost' },
  },
  {
    name: 'truncated-reply',
    group: 'answers',
    sentence:
      'The first try of each order is charged, and half of the answer is sent under the length of the whole before the connection is destroyed.',
    traits: {},
    firstTry: { stage: 'after-charging', answer: 'truncated' },
  },
  {
    name: 'proxy-html',
    group: 'answers',
    sentence:
      'The first try of every request to the API, reads too, is answered 502 with an HTML page by a proxy; nothing is done.',
    traits: {},
    firstTry: { stage: 'proxy', answer: 'html' },
  },
  {
    name: 'errors-with-200',
    group: 'answers',
    sentence:
      'Whatever the API refuses comes with HTTP 200, first tries and all later ones: the `errors` array decides.',
    traits: { refusalsWith200: true },
  },
  {
    name: 'out-of-credits',
    group: 'credits',
    sentence: 'The balance is 0: every order is answered 402 with `creditsRequired` and `creditsAvailable`.',
    traits: { credits: 0 },
  },
  {
    name: 'low-credits',
    group: 'credits',
    sentence: 'The balance pays for exactly one picture of 1024×1024, or for two of up to 512×512; then comes 402.',
    traits: { credits: priceCredits(1024, 1024) },
  },
  {
    name: 'slow',
    group: 'jobs',
    sentence: 'Jobs take ten times as long.',
    traits: { jobTimeFactor: SLOW_FACTOR },
  },
  {
    name: 'moderated',
    group: 'jobs',
    sentence: 'Every job ends as `moderated`; its credits are not given back.',
    traits: { ending: 'moderated' },
  },
  {
    name: 'failing',
    group: 'jobs',
    sentence: 'Every job ends as `failed`; its credits are given back.',
    traits: { ending: 'failed' },
  },
  {
    name: 'never-finishing',
    group: 'jobs',
    sentence: 'Every job is charged, stays `processing` for ever and occupies one of the plan’s slots.',
    traits: { ending: 'never' },
  },
  {
    name: 'unknown-status',
    group: 'jobs',
    sentence: 'In the second half of its time a job has the status `POSTPROCESSING_v2`.',
    traits: { lateStatus: 'POSTPROCESSING_v2' },
  },
  {
    name: 'shouting-status',
    group: 'jobs',
    sentence:
      'Statuses are reported as `QUEUED` (the first quarter of a job’s time), `IN_PROGRESS`, `SUCCEEDED`, `ERROR` and `REJECTED` (moderated).',
    traits: { shoutingStatus: true },
  },
  {
    name: 'expired-url',
    group: 'pictures',
    sentence:
      'The first address of a finished picture answers 403 or 410, whenever it is fetched; the job read after that has a fresh one, with another signature, that works.',
    traits: { expiringUrls: true },
  },
  {
    name: 'wrong-content-type',
    group: 'pictures',
    sentence: 'Pictures are served as `text/html` or `application/octet-stream` though they are JPEG.',
    traits: { wrongContentType: true },
  },
  {
    name: 'only-generate-image',
    group: 'schema',
    sentence: 'The schema has no `generate`: orders go through `generateImage` or REST.',
    traits: { generate: false },
  },
  {
    name: 'only-rest',
    group: 'schema',
    sentence:
      '`/graphql` answers 404: orders go through `POST /v1/text_to_image`, reads through `GET /v1/text_to_image/{id}`.',
    traits: { graphql: false },
    excludes: [
      'only-generate-image',
      'no-introspection',
      'renamed-query',
      'strict-input',
      'small-queries',
      'counts-fields',
    ],
  },
  {
    name: 'no-introspection',
    group: 'schema',
    sentence: 'A question for the schema is answered 400 with a validation error; everything else works.',
    traits: { introspection: false },
  },
  {
    name: 'renamed-query',
    group: 'schema',
    sentence: 'The status query is `generationById(generationId: ID!)`.',
    traits: { statusQuery: { field: 'generationById', argument: 'generationId' } },
  },
  {
    name: 'strict-input',
    group: 'schema',
    sentence:
      'The GraphQL input types have no `version`, `quality` and `webhookUrl`: an order that sends one is answered 400 with a validation error and is not charged.',
    traits: { optionalInput: false },
  },
  {
    name: 'small-queries',
    group: 'schema',
    sentence:
      'A document that asks for more than three jobs is answered 400 with the code `QUERY_TOO_COMPLEX`; nothing is done.',
    traits: { rootFieldsMax: 3 },
  },
  {
    name: 'webhooks',
    group: 'webhooks',
    sentence: 'When a job ends, the documented body is posted to its `webhookUrl`, signed with the secret.',
    traits: { webhooks: true },
  },
  {
    name: 'webhooks-forged',
    group: 'webhooks',
    sentence: 'Webhooks are posted with a signature by a wrong secret and a body that lies about the picture’s url.',
    traits: { webhooksForged: true },
  },
  {
    name: 'webhooks-late',
    group: 'webhooks',
    sentence: 'Webhooks are posted one minute after the end of the job.',
    traits: { webhookDelayMs: WEBHOOK_DELAY_MS },
  },
  {
    name: 'webhooks-twice',
    group: 'webhooks',
    sentence: 'Webhooks are posted two times, byte for byte the same.',
    traits: { webhookTimes: 2 },
  },
  {
    name: 'rate-headers-iso',
    group: 'limits',
    sentence: '`X-RateLimit-Reset` is an ISO date.',
    traits: { resetFormat: 'iso' },
  },
  {
    name: 'rate-headers-ms',
    group: 'limits',
    sentence: '`X-RateLimit-Reset` is in epoch milliseconds.',
    traits: { resetFormat: 'epoch-ms' },
  },
  {
    name: 'rate-headers-delta',
    group: 'limits',
    sentence: '`X-RateLimit-Reset` is in seconds from now.',
    traits: { resetFormat: 'seconds-from-now' },
  },
  {
    name: 'no-rate-headers',
    group: 'limits',
    sentence:
      'No answer has an `X-RateLimit` header; the limits hold all the same, and their 429 still has `Retry-After`.',
    traits: { resetFormat: undefined },
  },
  {
    name: 'counts-fields',
    group: 'limits',
    sentence: 'Every job that one document asks for counts as a request against the rate limit.',
    traits: { countsFields: true },
  },
  {
    name: 'skewed-clock',
    group: 'limits',
    sentence:
      'The service’s clock is ten minutes ahead: the `Date` header, the reset and every time that a job reports.',
    traits: { clockAheadMs: CLOCK_AHEAD_MS },
  },
] as const satisfies readonly Row[];

export type ScenarioName = (typeof rows)[number]['name'];
export type ScenarioGroup = Row['group'];

/** The rows with the type that all of them share. */
export const scenarioRows: readonly (Row & { name: ScenarioName })[] = rows;
