/** Proves that complaints about an input are understood as graphql-js words them, and nothing else is taken for one. */
import fc from 'fast-check';
import { buildSchema, graphqlSync } from 'graphql';
import { describe, expect, it } from 'vitest';
import { changeLeaves, type InputObject, withWebhookInOptions } from '../../../../src/doitong/schema/input-paths.ts';
import { pathsToLeaveOut, unfitNames } from '../../../../src/doitong/schema/unfit-input.ts';

const INPUT = {
  type: 'IMAGE',
  provider: 'flux-pro',
  input: { text: 'a "fox" at "input.options.quality"; Field "version" is not defined by type "X".' },
  options: { width: 1024, height: 768, version: 'flux-pro-1.1', quality: 'high' },
  webhookUrl: 'https://example.test/hook',
};
const OPTIONAL = ['options.version', 'options.quality', 'webhookUrl', 'options.webhookUrl'];
const leaveOut = (...messages: string[]): string[] | undefined => pathsToLeaveOut(messages, INPUT, OPTIONAL);

const schemaOf = (top: string, options: string): ReturnType<typeof buildSchema> =>
  buildSchema(`
    enum Type { IMAGE } enum Version { FLUX } input Text { text: String! }
    input Options { width: Int height: Int ${options} }
    input In { type: Type! provider: String! input: Text! options: Options ${top} }
    type Query { a: Int } type Mutation { generate(input: In!): Int }
  `);
const withoutPaths = (input: InputObject, paths: readonly string[]): InputObject =>
  changeLeaves(input, (path, leaf) => (paths.includes(path) ? undefined : leaf));

function complaints(top: string, options: string, input: unknown = INPUT): string[] {
  const source = 'mutation ($input: In!) { generate(input: $input) }';
  const { errors } = graphqlSync({ schema: schemaOf(top, options), source, variableValues: { input } });
  return (errors ?? []).map(({ message }) => message);
}

describe('the messages of this graphql-js', () => {
  it.each([
    ['nothing to complain about', 'webhookUrl: String', 'version: String quality: String', []],
    ['an unknown field', '', 'version: String quality: String', ['webhookUrl']],
    ['one with a suggestion', 'webhookURL: String', 'version: String quality: String', ['webhookUrl']],
    ['one inside', 'webhookUrl: String', 'version: String', ['options.quality']],
    ['one inside with a suggestion', 'webhookUrl: String', 'version: String qualities: [String]', ['options.quality']],
    ['several', '', '', ['options.version', 'options.quality', 'webhookUrl']],
    [
      'values of another type',
      'webhookUrl: Int',
      'version: Version quality: Float',
      ['options.quality', 'options.version', 'webhookUrl'],
    ],
  ])('%s', (_, top, options, paths) => {
    const messages = complaints(top, options);
    expect(messages).toHaveLength(paths.length);
    expect(leaveOut(...messages)?.sort()).toEqual(paths.length === 0 ? undefined : [...paths].sort());
    expect(complaints(top, options, withoutPaths(INPUT, paths))).toEqual([]);
  });

  it.each([
    ['a required field that is unknown to us', 'seed: Int!', 'version: String quality: String'],
    ['one among unknown ones', 'seed: Int!', ''],
    [
      'a field without which the order is another one',
      'webhookUrl: String',
      'version: String quality: String style: String!',
    ],
  ])('cannot be cured when there is %s', (_, top, options) => {
    expect(leaveOut(...complaints(top, options))).toBeUndefined();
  });

  it('cannot be cured by leaving out what we must say', () => {
    expect(leaveOut(...complaints('webhookUrl: String', '', { ...INPUT, type: 'VIDEO' }))).toBeUndefined();
    const { input: _, ...rest } = INPUT;
    expect(leaveOut(...complaints('', '', rest))).toBeUndefined();
  });
});

describe('the messages of other releases', () => {
  it.each([
    [
      'release 14',
      'Variable "$input" got invalid value {"type":"IMAGE"}; Field "webhookUrl" is not defined by type GenerateInput.',
      'webhookUrl',
    ],
    [
      'release 14, inside',
      'Variable "$input" got invalid value {"type":"IMAGE"}; Field "quality" is not defined by type Options at value.options.',
      'options.quality',
    ],
    [
      'release 14, with a suggestion',
      'Variable "$input" got invalid value {"a":1}; Field "quality" is not defined by type Options at value.options; did you mean qualities?',
      'options.quality',
    ],
    [
      'release 15',
      'Variable "$input" got invalid value { width: 1024, quality: "high" } at "input.options"; Field "quality" is not defined by type "GenerateOptions".',
      'options.quality',
    ],
    [
      'a copy in another language',
      "Variable '$input' got invalid value {'quality': 'high'} at 'input.options'; Field 'quality' is not defined by type 'GenerateOptions'. Did you mean 'qualities'?",
      'options.quality',
    ],
    [
      'no place named, but one field of that name',
      'Variable "$input" got invalid value {…}; Field "version" is not defined by type "GenerateOptions".',
      'options.version',
    ],
    [
      'release 17',
      'Variable "$input" has invalid value: Expected value of type "GenerateInput" not to include unknown field "webhookUrl", found: { type: "IMAGE", webhookUrl: "x" }.',
      'webhookUrl',
    ],
    [
      'release 17, inside, with a suggestion',
      'Variable "$input" has invalid value at .options: Expected value of type "Options" not to include unknown field "quality". Did you mean "qualities"? Found: { quality: "high" }.',
      'options.quality',
    ],
    [
      'release 17, a value',
      'Variable "$input" has invalid value at .options.version: Value "flux-pro-1.1" does not exist in "Version" enum.',
      'options.version',
    ],
    [
      'an input in the document',
      'Field "webhookUrl" is not defined by type "GenerateInput". Did you mean "webhookURL"?',
      'webhookUrl',
    ],
    ['the same, plain', 'Field "webhookUrl" is not defined by type GenerateInput.', 'webhookUrl'],
  ])('%s', (_, message, path) => {
    expect(leaveOut(message)).toEqual([path]);
  });

  it('leaves out a whole object when all in it is optional', () => {
    const value = { prompt: 'a', options: { quality: 'high', version: 'x' } };
    const message = 'Field "options" is not defined by type "In".';
    expect(pathsToLeaveOut([message], value, OPTIONAL)).toEqual(['options.quality', 'options.version']);
    expect(leaveOut(message)).toBeUndefined();
  });

  it.each([
    'Internal error: Field "webhookUrl" is not defined by type "GenerateInput".',
    'Field "webhookUrl" is not defined by type "GenerateInput". Charged 5 credits.',
    'Field "other" is not defined by type "GenerateInput".',
    'Field "provider" is not defined by type "GenerateInput".',
    'Variable "$input" got invalid value {…} at "input.options"; Field "webhookUrl" is not defined by type "Options".',
    'Variable "$input" got invalid value {…} at "input.input"; Field "text" is not defined by type "Text".',
    'Variable "$input" got invalid value {…}; Field "seed" of required type "Int!" was not provided.',
    'Variable "$input" of required type "In!" was not provided.',
    'Insufficient credits for this operation',
    '',
    `Field "webhookUrl" is not defined by type "${'x'.repeat(30_000)}".`,
  ])('takes %j for no cure', (message) => {
    expect(leaveOut(message)).toBeUndefined();
    expect(leaveOut('Field "webhookUrl" is not defined by type "In".', message)).toBeUndefined();
  });

  it('needs a message', () => {
    expect(leaveOut()).toBeUndefined();
  });

  it('is quick and leaves out what may be left out only, whatever is said', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        ...[
          'Variable "$input" got invalid value ',
          '; Field "quality" is not defined by type "X"',
          ' at "input.options"',
        ],
        ...[
          ' at value.options',
          '. Did you mean "x"?',
          '.',
          ': ',
          ' has invalid value',
          ' at .options',
          'a?'.repeat(500),
        ],
        ...[
          'Expected value of type "X" not to include unknown field "quality"',
          ', found: ',
          '. Did you mean ',
          '? Found: ',
        ],
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect(OPTIONAL).toEqual(expect.arrayContaining(leaveOut(pieces.join('')) ?? []));
      }),
      { numRuns: 2_000 },
    );
    const hostile = `Variable "$input" got invalid value ${'; Field "q" is not defined by type "X". Did you mean '.repeat(350)}`;
    const started = performance.now();
    expect(leaveOut(hostile)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('what stands in the way', () => {
  const names = (...messages: string[]) => unfitNames(messages, INPUT, OPTIONAL);
  const none = { missing: [], unknown: [] };

  it('is named from the messages of this graphql-js', () => {
    const schema = buildSchema(`
      input Text { text: String! tone: Int! } input Options { width: Int height: Int quality: String steps: Int! }
      input In { type: String! input: Text! options: Options seed: Int! }
      type Query { a: Int } type Mutation { generate(input: In!): Int }
    `);
    const source = 'mutation ($input: In!) { generate(input: $input) }';
    const { errors = [] } = graphqlSync({ schema, source, variableValues: { input: INPUT } });
    const { missing, unknown } = names(...errors.map(({ message }) => message));
    expect([...missing].sort()).toEqual(['input.tone', 'options.steps', 'seed']);
    expect(unknown).toEqual(['provider']);
  });

  it.each([
    [
      'release 14',
      'Variable "$input" got invalid value {"a":1}; Field value.seed of required type Int! was not provided.',
      'seed',
    ],
    [
      'release 14, inside',
      'Variable "$input" got invalid value {"a":1}; Field value.options.steps of required type Int! was not provided.',
      'options.steps',
    ],
    [
      'release 15',
      'Variable "$input" got invalid value { a: 1 } at "input.options"; Field "steps" of required type "Int!" was not provided.',
      'options.steps',
    ],
    [
      'release 17',
      'Variable "$input" has invalid value at .options: Expected value of type "Options" to include required field "steps", found: { a: 1 }.',
      'options.steps',
    ],
  ])('is named from those of %s', (_, message, path) => {
    expect(names(message)).toEqual({ missing: [path], unknown: [] });
  });

  it.each([
    'Variable "$input" got invalid value 7 at "input.options.width"; too wide.',
    'Field "webhookUrl" is not defined by type "In".',
    'Internal error: Variable "$input" got invalid value {}; Field "seed" of required type "Int!" was not provided.',
    'Variable "$input" got invalid value {}; Field "seed" of required type "Int!" was not provided. Charged.',
    `Variable "$input" got invalid value ${'x'.repeat(30_000)}; Field "seed" of required type "Int!" was not provided.`,
    '',
  ])('is not named from %j', (message) => {
    expect(names(message)).toEqual(none);
  });

  it('is named quickly by names that are in the schema or in the input, whatever is said', () => {
    const hostile = `Variable "$input" got invalid value ${'; Field "q" of required type "X" was not provided'.repeat(400)}`;
    const started = performance.now();
    expect(names(hostile)).toEqual(none);
    expect(performance.now() - started).toBeLessThan(2_000);
    fc.assert(fc.property(fc.string(), (text) => void expect(names(text)).toEqual(none)));
  });
});

describe('the places in an input', () => {
  it('are taken out, with what holds nothing any more', () => {
    expect(withoutPaths({ a: 1, b: { c: 2, d: {} }, e: { f: 3 } }, ['a', 'e.f'])).toEqual({ b: { c: 2, d: {} } });
  });

  it('can hold another value, and are known by their whole path', () => {
    const changed = changeLeaves({ a: 1, b: { a: 2 } }, (path, leaf) => (path === 'b.a' ? 'two' : leaf));
    expect(changed).toEqual({ a: 1, b: { a: 'two' } });
  });

  it('the webhook address can stand among the options', () => {
    expect(withWebhookInOptions({ a: 1, webhookUrl: 'x' })).toEqual({ a: 1, options: { webhookUrl: 'x' } });
    const { webhookUrl, options, ...rest } = INPUT;
    expect(withWebhookInOptions(INPUT)).toEqual({ ...rest, options: { ...options, webhookUrl } });
  });
});
