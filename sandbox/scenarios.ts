// Owns the scenarios: their names, what each does on the wire, what excludes what, and the choice of some.

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

/** The scenarios that are on, in the order in which they were named. */
export type Scenarios = ReadonlySet<ScenarioName>;

/** Of these only one can be true at a time. */
const ALTERNATIVES: readonly (readonly ScenarioName[])[] = [
  ['out-of-credits', 'low-credits'],
  ['moderated', 'failing', 'never-finishing'],
  // Without GraphQL there is nothing about it to be changed.
  ['only-rest', 'only-generate-image'],
  ['only-rest', 'no-introspection'],
  ['only-rest', 'renamed-query'],
  ['only-rest', 'strict-input'],
  ['only-rest', 'small-queries'],
  ['only-rest', 'counts-fields'],
  ['rate-headers-iso', 'rate-headers-ms', 'rate-headers-delta', 'no-rate-headers'],
];

type Scenario = {
  name: ScenarioName;
  group: ScenarioGroup;
  /** What it does on the wire, in one sentence of Markdown. */
  sentence: string;
  /** The scenarios that it cannot be combined with; they name this one, too. */
  excludes: readonly ScenarioName[];
};

/** Every scenario, for help and documents; plain data. */
export const SCENARIOS = Object.entries(scenarioSentences).flatMap(([group, sentences]) =>
  Object.entries(sentences).map(([name, sentence]) => {
    const alternatives = ALTERNATIVES.filter((names) => names.some((one) => one === name)).flat();
    return { group, name, sentence, excludes: alternatives.filter((other) => other !== name) } as Scenario;
  }),
);

/** A choice of scenarios that makes no sense; the message says why. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

/** A name that comes twice counts once. @throws ScenarioError for an unknown name and for a pair that excludes itself. */
export function chooseScenarios(names: Iterable<string>): Scenarios {
  const chosen = [...new Set(names)].map((name) => {
    const known = SCENARIOS.find((scenario) => scenario.name === name);
    if (known) return known;
    const all = SCENARIOS.map((scenario) => scenario.name).join(', ');
    throw new ScenarioError(`There is no scenario ${JSON.stringify(name)}. There are: ${all}.`);
  });
  for (const { name, excludes } of chosen) {
    const others = chosen.filter((other) => excludes.includes(other.name)).map((other) => `"${other.name}"`);
    if (others.length > 0)
      throw new ScenarioError(`The scenario "${name}" cannot be combined with ${others.join(' and ')}.`);
  }
  return new Set(chosen.map(({ name }) => name));
}

/** What the table has for a scenario that is on; undefined where none of its scenarios is. */
export function valueFor<Value>(scenarios: Scenarios, table: { [Name in ScenarioName]?: Value }): Value | undefined {
  const name = [...scenarios].find((one) => Object.hasOwn(table, one));
  return name && table[name];
}

/** Each scenario of the group does, whether or not the plain one is named as well. */
export function sendsWebhooks(scenarios: Scenarios): boolean {
  return [...scenarios].some((name) => Object.hasOwn(scenarioSentences.webhooks, name));
}
