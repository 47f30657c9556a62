/** Proves that every document fits the schema of the sandbox, which was written from the provider's page. */
import { buildSchema, coerceInputValue, type GraphQLInputObjectType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schemaSdl } from '../../sandbox/schema.ts';
import {
  bodyOf,
  type Dialect,
  DIALECT_NAMES,
  DOCUMENTED_ENCODING,
  dialectOf,
  type GraphqlDialect,
  inputOf,
  leafPaths,
  omittedFields,
  optionalField,
  type WireOrder,
} from '../../src/doitong/dialects.ts';
import { SCHEMA_DOCUMENT } from '../../src/doitong/schema/introspection.ts';
import { statusDocument } from '../../src/doitong/schema/status-document.ts';
import { CANDIDATE_QUERIES } from '../../src/doitong/schema/status-query.ts';

const schema = buildSchema(schemaSdl());
const problems = (document: string): string[] => validate(schema, parse(document)).map(({ message }) => message);
const isGraphql = (dialect: Dialect): dialect is GraphqlDialect => dialect.name !== 'rest';
const LEAST: WireOrder = { prompt: 'a fox', width: 256, height: 256 };
const DIALECTS = DIALECT_NAMES.map(dialectOf);
const documentOf = (dialect: Dialect, encoding = DOCUMENTED_ENCODING): string =>
  (bodyOf(dialect, LEAST, encoding) as { query: string }).query;

const EVERYTHING: WireOrder = {
  prompt: 'a "fox"\n',
  width: 1024,
  height: 512,
  version: 'flux-pro-1.1',
  quality: 'high',
  webhookUrl: 'https://example.test/hook',
};

describe('the documents', () => {
  it.each([
    ...DIALECTS.filter(isGraphql).map((dialect) => [dialect.name, documentOf(dialect)]),
    ['the question for the schema', SCHEMA_DOCUMENT],
    ...CANDIDATE_QUERIES.slice(0, 1).flatMap((first) => [
      ['the first status query', statusDocument(first, ['a"b'])],
      ['the first status query for several', statusDocument(first, ['a', 'b'])],
    ]),
    ['the question for the headers', 'query { __typename }'],
  ])('%s fits the schema', (_, document = '') => {
    expect(problems(document)).toEqual([]);
  });

  it('alias the root field, so that the name in the answer never matters', () => {
    for (const dialect of DIALECTS.filter(isGraphql)) {
      expect(
        documentOf(dialect, { ...DOCUMENTED_ENCODING, unselected: ['status', 'url', 'creditCost', 'createdAt'] }),
      ).toContain(`{ job: ${dialect.name}(input: $input) { id } }`);
    }
  });
});

describe('the variables', () => {
  const cases = DIALECTS.filter(isGraphql).flatMap((dialect) => [
    [dialect.name, 'everything', dialect, EVERYTHING] as const,
    [dialect.name, 'what must be', dialect, LEAST] as const,
  ]);

  it.each(cases)('of %s with %s fit the input type', (_, _what, dialect, order) => {
    const type = schema.getType(dialect.inputType) as GraphQLInputObjectType;
    expect(() => coerceInputValue(inputOf(dialect, order, DOCUMENTED_ENCODING), type)).not.toThrow();
  });

  it('send the prompt word for word, and no setting that was not made', () => {
    const inputs = DIALECTS.map((dialect) =>
      inputOf(dialect, { ...LEAST, prompt: EVERYTHING.prompt }, DOCUMENTED_ENCODING),
    );
    const plain = { service: 'flux-pro', prompt: 'a "fox"\n', width: 256, height: 256 };
    expect(inputs).toEqual([
      {
        type: 'IMAGE',
        provider: 'flux-pro',
        input: { text: 'a "fox"\n' },
        options: { width: 256, height: 256 },
      },
      plain,
      plain,
    ]);
  });

  it('hold the optional parts at places of their name, and nothing else there', () => {
    for (const dialect of DIALECTS) {
      const [all, least] = [EVERYTHING, LEAST].map((order) => leafPaths(inputOf(dialect, order, DOCUMENTED_ENCODING)));
      const more = (all ?? []).filter((path) => least?.includes(path) === false);
      expect(more).toEqual((all ?? []).filter((path) => optionalField(path) !== undefined));
    }
  });

  it('cannot hold the quality but in generate: nothing else is left out by itself', () => {
    expect(DIALECTS.map((dialect) => omittedFields(dialect, EVERYTHING, DOCUMENTED_ENCODING))).toEqual([
      [],
      ['quality'],
      ['quality'],
    ]);
  });
});
