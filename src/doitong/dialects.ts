/** The documented ways to order a picture, and how an order is encoded in one of them for this very service. */
import { FLUX_VERSIONS, type ImageRequest, QUALITIES } from '../core/image-request.ts';
import { type Fields, isRecord } from './wire-values.ts';

export const DIALECT_NAMES = ['generate', 'generateImage', 'rest'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

export type WireOrder = ImageRequest & { webhookUrl?: string };

/** Parts of an order that a service may lack without the picture being another one. They have one name everywhere. */
export const OPTIONAL_FIELDS = ['version', 'quality', 'webhookUrl'] as const;

export type GraphqlDialect = {
  name: 'generate' | 'generateImage';
  kind: 'graphql';
  /** The mutation and the type of its one argument, `input`. */
  rootField: string;
  inputType: string;
  /** What is selected on the answer; only `id` is needed. */
  fields: readonly string[];
  input: DialectInput;
};

/** Parts that have no place in it are never sent. */
type DialectInput = (order: WireOrder) => Fields;

export const REST_PATH = '/v1/text_to_image';
type RestDialect = { name: 'rest'; kind: 'rest'; input: DialectInput };

export type Dialect = GraphqlDialect | RestDialect;

const SERVICE = 'flux-pro';

/** The one in the curl, Python and raw GraphQL examples of the page. */
const GENERATE: GraphqlDialect = {
  name: 'generate',
  kind: 'graphql',
  rootField: 'generate',
  inputType: 'GenerateInput',
  fields: ['id', 'status', 'url', 'creditCost', 'createdAt'],
  input: ({ prompt, width, height, version, quality, webhookUrl }) => ({
    type: 'IMAGE',
    provider: SERVICE,
    input: { text: prompt },
    options: { width, height, version, quality },
    webhookUrl,
  }),
};

/** The one in the JavaScript example; its arguments are those of the parameter table, which knows no quality. */
const GENERATE_IMAGE: GraphqlDialect = {
  name: 'generateImage',
  kind: 'graphql',
  rootField: 'generateImage',
  inputType: 'ImageGenerationInput',
  fields: ['id', 'status', 'url', 'createdAt'],
  input: ({ prompt, width, height, version, webhookUrl }) => ({
    service: SERVICE,
    prompt,
    width,
    height,
    version,
    webhookUrl,
  }),
};

/** No body is shown on the page: the parameter table is taken to apply. */
const REST: RestDialect = { name: 'rest', kind: 'rest', input: GENERATE_IMAGE.input };

const DIALECTS = { generate: GENERATE, generateImage: GENERATE_IMAGE, rest: REST } as const;

export const dialectOf = (name: DialectName): Dialect => DIALECTS[name];

/** What was found out about the input and the answer of one dialect; plain data, remembered for a day. */
export type Encoding = {
  /** Places of the input that the service does not have, as dotted paths (`options.quality`). */
  leftOut: readonly string[];
  /** The webhook's address stands among the options (open point 5 of the API page). */
  webhookInOptions: boolean;
  /** Fields of the answer that the service does not have. */
  unselected: readonly string[];
  /** The input's type, where it goes by another name than the documented one. */
  typeName?: string | undefined;
  /** By place: the service's words (enums) for ours; null for a value that it does not take. */
  values: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
};

export const DOCUMENTED_ENCODING: Encoding = { leftOut: [], webhookInOptions: false, unselected: [], values: {} };

export const FULL_ORDER: WireOrder = {
  prompt: 'a lighthouse',
  width: 1_024,
  height: 1_024,
  version: FLUX_VERSIONS[0],
  quality: QUALITIES[0],
  webhookUrl: 'https://webhook.example/doitong',
};

export const joinPath = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** The places below `prefix` that hold plain values; `prefix` itself when it holds one. */
export function leafPaths(value: unknown, prefix = ''): string[] {
  if (!isRecord(value)) return [prefix];
  return Object.entries(value).flatMap(([name, inner]) => leafPaths(inner, joinPath(prefix, name)));
}

/** The part of an order without which the picture still is the one that was ordered, if one stands at this place. */
export function optionalPart(path: string): (typeof OPTIONAL_FIELDS)[number] | undefined {
  return OPTIONAL_FIELDS.find((part) => path.split('.').at(-1) === part);
}

export function inputOf(dialect: Dialect, order: WireOrder, encoding: Encoding): Fields {
  const { leftOut, webhookInOptions, values } = encoding;
  const input = dialect.input(order);
  return changeLeaves(webhookInOptions ? withWebhookInOptions(input) : input, (path, leaf) => {
    if (leftOut.includes(path)) return undefined;
    const word = typeof leaf === 'string' ? values[path]?.[leaf] : undefined;
    return word === null ? undefined : (word ?? leaf);
  });
}

export function bodyOf(dialect: Dialect, order: WireOrder, encoding: Encoding): Fields {
  const input = inputOf(dialect, order, encoding);
  if (dialect.kind === 'rest') return input;
  const { rootField, inputType, fields } = dialect;
  const selection = fields.filter((field) => !encoding.unselected.includes(field)).join(' ');
  const query = `mutation ($input: ${encoding.typeName ?? inputType}!) { job: ${rootField}(input: $input) { ${selection} } }`;
  return { query, variables: { input } };
}

/** The parts that are wanted and have no place in this dialect, or at this service. */
export function omittedParts(dialect: Dialect, order: WireOrder, encoding: Encoding): string[] {
  const sent = leafPaths(inputOf(dialect, order, encoding)).map(optionalPart);
  return OPTIONAL_FIELDS.filter((part) => order[part] !== undefined && !sent.includes(part));
}

/** The input with its webhook address, if it has one, among the options: where it goes is not documented. */
export function withWebhookInOptions(input: Fields): Fields {
  const { webhookUrl, options, ...rest } = input;
  return webhookUrl === undefined || !isRecord(options) ? input : { ...rest, options: { ...options, webhookUrl } };
}

/** The input with each plain value changed, without those that are `undefined` then: the service's own defaults apply. */
function changeLeaves(value: Fields, change: (path: string, leaf: unknown) => unknown, prefix = ''): Fields {
  const changed = Object.entries(value).map(([name, inner]) => {
    const path = joinPath(prefix, name);
    return [name, isRecord(inner) ? changeLeaves(inner, change, path) : change(path, inner)] as const;
  });
  return Object.fromEntries(changed.filter(([, inner]) => inner !== undefined));
}
