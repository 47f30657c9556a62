/** Arbitrary answers of a hostile or broken service: half of them look like real ones, and many of them hold the key. */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { graphqlSync } from 'graphql';
import { SCHEMA_DOCUMENT } from '../../../src/doitong/schema/introspection.ts';
import { fixtureSchema } from './schema/fixture.ts';
import { KEY } from './scripted-service.ts';

/** Ways in which a service could give the key back. */
const echoes = [
  KEY,
  `Bearer ${KEY}`,
  `Invalid key "${KEY}".`,
  `${'x'.repeat(40)}${KEY}`,
  `${'word '.repeat(56)}${KEY}`,
  encodeURIComponent(`key=${KEY}&x`),
  `https://cdn.example/a.jpg?key=${KEY}`,
  `${KEY}\u200B\n${KEY}`,
  `Cannot query field "${KEY}" on type "${KEY}".`,
  `Unknown type "${KEY}".`,
  `Variable "$input" got invalid value { text: "${KEY}" } at "input.options"; Field "quality" is not defined by type "X".`,
  `Variable "$input" got invalid value {}; Field "${KEY}" of required type "Int!" was not provided.`,
  `Field "${KEY}" is not defined by type "X".`,
];
const messages = [
  'Cannot query field "generate" on type "Mutation".',
  'Cannot query field "creditCost" on type "Job". Did you mean "cost"?',
  'Unknown type "GenerateInput".',
  'Field "webhookUrl" is not defined by type "GenerateInput".',
  'Variable "$input" has invalid value at .options.version: No.',
  'Insufficient credits for this operation',
  '',
];
const words = [
  'processing',
  'completed',
  'failed',
  'MODERATED',
  'IN_PROGRESS',
  'POSTPROCESSING_v2',
  ' ',
  'https://cdn.example/a.jpg',
];
const codes = [
  'INSUFFICIENT_CREDITS',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'RATE_LIMITED',
  'NOT_FOUND',
  'UNAUTHENTICATED',
];
const names = [
  ...['data', 'job', 'job', 'jobs', 'j0', 'j1', 'errors', 'error', 'message', 'extensions', 'code'],
  ...['id', 'status', 'url', 'creditCost', 'metadata', 'reason', 'result', 'output', 'images'],
  ...['creditsRequired', 'creditsAvailable', '__proto__', 'constructor', 'toString', KEY],
];

const leaf = fc.oneof(
  fc.constantFrom(...echoes),
  fc.constantFrom(...messages, ...words, ...codes),
  fc.constantFrom(null, true, 0, -1, 12.5, 1e308, Number.MAX_SAFE_INTEGER),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...names), tie('tree')), { maxLength: 6 })
      .map((entries) => Object.fromEntries(entries)),
  ),
}));

const error = fc.record(
  {
    message: fc.oneof(fc.constantFrom(...echoes, ...messages), leaf),
    extensions: fc.record(
      { code: fc.oneof(fc.constantFrom(...codes), leaf), creditsRequired: leaf, creditsAvailable: leaf },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const job = fc.record(
  {
    id: leaf,
    status: fc.oneof(fc.constantFrom(...words, ...echoes), leaf),
    url: leaf,
    creditCost: leaf,
    error: tree,
    metadata: tree,
  },
  { requiredKeys: [] },
);
const answer = fc.oneof(
  fc.record({ data: fc.record({ job }), errors: fc.array(error, { maxLength: 3 }) }, { requiredKeys: [] }),
  fc.record({ errors: fc.array(error, { maxLength: 3 }) }),
  job,
  tree,
);

const schemas = readdirSync(new URL('./schema/fixtures', import.meta.url)).map((file) =>
  JSON.stringify(graphqlSync({ schema: fixtureSchema(file.replace('.graphql', '')), source: SCHEMA_DOCUMENT })),
);
/** A schema in which some names are the key and some pieces are something else. */
const schema = fc
  .tuple(
    fc.constantFrom(...schemas),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...['null', '[]', '{}', '7', `"${KEY}"`])), { maxLength: 3 }),
  )
  .map(([text, wounds]) =>
    wounds.reduce((wounded, [at, piece]) => {
      const strings = [...wounded.matchAll(/"[^"]*"(?!:)/gu)];
      const hit = strings[at % Math.max(1, strings.length)];
      return hit === undefined
        ? wounded
        : wounded.slice(0, hit.index) + piece + wounded.slice(hit.index + hit[0].length);
    }, text),
  );

const json = fc.oneof(
  { arbitrary: answer.map((value) => JSON.stringify(value)), weight: 12 },
  { arbitrary: schema, weight: 1 },
);
/** Text, or nothing that could be read. */
export const anyBody: fc.Arbitrary<string | undefined> = fc.oneof(
  { arbitrary: json, weight: 8 },
  { arbitrary: fc.tuple(json, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))), weight: 1 },
  { arbitrary: json.map((text) => `\uFEFF${text}`), weight: 1 },
  { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
  { arbitrary: fc.constantFrom(undefined, '', 'null', '[]', `<!doctype html><h1>${KEY}</h1>`), weight: 1 },
);

const headerValue = fc.oneof(
  fc.constantFrom(
    ...echoes,
    '0',
    '1',
    '30',
    '60000',
    '1800000030',
    '1800000030000',
    '9'.repeat(400),
    '-1',
    '1e9',
    '0x10',
  ),
  fc.constantFrom(
    '2027-01-15T08:00:30Z',
    'Fri, 15 Jan 2027 08:00:30 GMT',
    '9999-99-99T00:00:00',
    'Thu, 01 Jan 1970 00:00:00 GMT',
  ),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc.nat().map(String),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
export const anyHeaders: fc.Arbitrary<Record<string, string>> = fc
  .array(
    fc.tuple(
      fc.constantFrom('date', 'retry-after', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', KEY),
      headerValue,
    ),
    { maxLength: 6 },
  )
  .map((entries) => Object.fromEntries(entries));

export const anyStatus: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(200, 200, 200, 400, 401, 402, 404, 405, 409, 422, 429, 500, 502),
  fc.integer({ min: 100, max: 599 }),
);
