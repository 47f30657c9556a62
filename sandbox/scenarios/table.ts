// Owns the table of scenarios: the name of each, what it does on the wire in one sentence, and the traits behind it.

import { priceCredits } from '../price.ts';
import type { FirstTry, Traits } from './traits.ts';

export type Scenario = {
  /** A reader knows the API's page and nothing of the code. */
  sentence: string;
  traits?: Partial<Traits>;
  firstTry?: FirstTry;
  /** Next to the scenarios that set the same trait, which exclude this one by themselves. */
  excludes?: readonly string[];
};

/** By group, in the order in which they are listed. */
export const scenarioTable = {
  answers: {
    'rate-limited': {
      sentence: 'The first try of each order is answered 429 with `Retry-After: 1`; nothing is charged.',
      firstTry: { stage: 'before-charging', answer: 'rate-limited' },
    },
    'rate-limited-silent': {
      sentence:
        'The first try of each order is answered 429 without `Retry-After` and without `X-RateLimit-Reset`; nothing is charged.',
      firstTry: { stage: 'before-charging', answer: 'rate-limited-silent' },
    },
    'error-before-charge': {
      sentence: 'The first try of each order is answered 500; nothing is charged.',
      firstTry: { stage: 'before-charging', answer: 'error' },
    },
    'error-after-charge': {
      sentence: 'The first try of each order is charged and answered 500.',
      firstTry: { stage: 'after-charging', answer: 'error' },
    },
    'lost-reply': {
      sentence: 'The first try of each order is charged, and the connection is destroyed without an answer.',
      firstTry: { stage: 'after-charging', answer: 'lost' },
    },
    'truncated-reply': {
      sentence:
        'The first try of each order is charged, and half of the answer is sent under the length of the whole before the connection is destroyed.',
      firstTry: { stage: 'after-charging', answer: 'truncated' },
    },
    'proxy-html': {
      sentence:
        'The first try of every request to the API, reads too, is answered 502 with an HTML page by a proxy; nothing is done.',
      firstTry: { stage: 'proxy', answer: 'html' },
    },
    'errors-with-200': {
      sentence:
        'Whatever the API refuses comes with HTTP 200, first tries and all later ones: the `errors` array decides.',
      traits: { refusalsWith200: true },
    },
  },
  credits: {
    'out-of-credits': {
      sentence: 'The balance is 0: every order is answered 402 with `creditsRequired` and `creditsAvailable`.',
      traits: { credits: 0 },
    },
    'low-credits': {
      sentence: 'The balance pays for exactly one picture of 1024×1024, or for two of up to 512×512; then comes 402.',
      traits: { credits: priceCredits(1024, 1024) },
    },
  },
  jobs: {
    slow: { sentence: 'Jobs take ten times as long.', traits: { jobTimeFactor: 10 } },
    moderated: {
      sentence: 'Every job ends as `moderated`; its credits are not given back.',
      traits: { ending: 'moderated' },
    },
    failing: { sentence: 'Every job ends as `failed`; its credits are given back.', traits: { ending: 'failed' } },
    'never-finishing': {
      sentence: 'Every job is charged, stays `processing` for ever and occupies one of the plan’s slots.',
      traits: { ending: 'never' },
    },
    'unknown-status': {
      sentence: 'In the second half of its time a job has the status `POSTPROCESSING_v2`.',
      traits: { lateStatus: 'POSTPROCESSING_v2' },
    },
    'shouting-status': {
      sentence:
        'Statuses are reported as `QUEUED` (the first quarter of a job’s time), `IN_PROGRESS`, `SUCCEEDED`, `ERROR` and `REJECTED` (moderated).',
      traits: { shoutingStatus: true },
    },
  },
  pictures: {
    'expired-url': {
      sentence:
        'The first address of a finished picture answers 403 or 410, whenever it is fetched; the job read after that has a fresh one, with another signature, that works.',
      traits: { expiringUrls: true },
    },
    'wrong-content-type': {
      sentence: 'Pictures are served as `text/html` or `application/octet-stream` though they are JPEG.',
      traits: { wrongContentType: true },
    },
  },
  schema: {
    'only-generate-image': {
      sentence: 'The schema has no `generate`: orders go through `generateImage` or REST.',
      traits: { generate: false },
    },
    'only-rest': {
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
    'no-introspection': {
      sentence: 'A question for the schema is answered 400 with a validation error; everything else works.',
      traits: { introspection: false },
    },
    'renamed-query': {
      sentence: 'The status query is `generationById(generationId: ID!)`.',
      traits: { statusQuery: { field: 'generationById', argument: 'generationId' } },
    },
    'strict-input': {
      sentence:
        'The GraphQL input types have no `version`, `quality` and `webhookUrl`: an order that sends one is answered 400 with a validation error and is not charged.',
      traits: { optionalInput: false },
    },
    'small-queries': {
      sentence:
        'A document that asks for more than three jobs is answered 400 with the code `QUERY_TOO_COMPLEX`; nothing is done.',
      traits: { rootFieldsMax: 3 },
    },
  },
  webhooks: {
    webhooks: {
      sentence: 'When a job ends, the documented body is posted to its `webhookUrl`, signed with the secret.',
      traits: { webhooks: true },
    },
    'webhooks-forged': {
      sentence: 'Webhooks are posted with a signature by a wrong secret and a body that lies about the picture’s url.',
      traits: { webhooksForged: true },
    },
    'webhooks-late': {
      sentence: 'Webhooks are posted one minute after the end of the job.',
      traits: { webhookDelayMs: 60_000 },
    },
    'webhooks-twice': {
      sentence: 'Webhooks are posted two times, byte for byte the same.',
      traits: { webhookTimes: 2 },
    },
  },
  limits: {
    'rate-headers-iso': { sentence: '`X-RateLimit-Reset` is an ISO date.', traits: { resetFormat: 'iso' } },
    'rate-headers-ms': {
      sentence: '`X-RateLimit-Reset` is in epoch milliseconds.',
      traits: { resetFormat: 'epoch-ms' },
    },
    'rate-headers-delta': {
      sentence: '`X-RateLimit-Reset` is in seconds from now.',
      traits: { resetFormat: 'seconds-from-now' },
    },
    'no-rate-headers': {
      sentence:
        'No answer has an `X-RateLimit` header; the limits hold all the same, and their 429 still has `Retry-After`.',
      traits: { resetFormat: undefined },
    },
    'counts-fields': {
      sentence: 'Every job that one document asks for counts as a request against the rate limit.',
      traits: { countsFields: true },
    },
    'skewed-clock': {
      sentence:
        'The service’s clock is ten minutes ahead: the `Date` header, the reset and every time that a job reports.',
      traits: { clockAheadMs: 10 * 60_000 },
    },
  },
} as const satisfies Record<string, Record<string, Scenario>>;

type Table = typeof scenarioTable;
export type ScenarioGroup = keyof Table;
export type ScenarioName = { [Group in ScenarioGroup]: keyof Table[Group] }[ScenarioGroup];
