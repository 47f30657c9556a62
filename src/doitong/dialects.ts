/** The documented ways to order a picture, and how an order is encoded in one of them for this very service. */
import type { ImageRequest } from '../core/image-request.ts';

export const DIALECT_NAMES = ['generate', 'generateImage', 'rest'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

export type WireOrder = ImageRequest & { webhookUrl?: string | undefined };

/** What is ordered, in the service's names. A part that is `undefined` is not sent: the service's own defaults apply. */
export type DialectInput = { readonly [name: string]: string | number | undefined | DialectInput };

/** Parts of an order that a service may lack without the picture being another one. They have one name everywhere. */
export const OPTIONAL_FIELDS = ['version', 'quality', 'webhookUrl'] as const;

export type GraphqlDialect = {
  /** Of the mutation, whose one argument is `input`. */
  name: 'generate' | 'generateImage';
  inputType: string;
  /** What is selected on the answer; only `id` is needed. */
  fields: readonly string[];
  /** Parts that have no place in it are never sent. */
  input: (order: WireOrder) => DialectInput;
};

export const REST_PATH = '/v1/text_to_image';
export type Dialect = GraphqlDialect | (Pick<GraphqlDialect, 'input'> & { name: 'rest' });

const SERVICE = 'flux-pro';

/** The one in the JavaScript example; its arguments are those of the parameter table, which knows no quality. */
const GENERATE_IMAGE: GraphqlDialect = {
  name: 'generateImage',
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

const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  /** The one in the curl, Python and raw GraphQL examples of the page. */
  generate: {
    name: 'generate',
    inputType: 'GenerateInput',
    fields: ['id', 'status', 'url', 'creditCost', 'createdAt'],
    input: ({ prompt, width, height, version, quality, webhookUrl }) => ({
      type: 'IMAGE',
      provider: SERVICE,
      input: { text: prompt },
      options: { width, height, version, quality },
      webhookUrl,
    }),
  },
  generateImage: GENERATE_IMAGE,
  // No body is shown on the page: the parameter table is taken to apply.
  rest: { name: 'rest', input: GENERATE_IMAGE.input },
};

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

export const joinPath = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** The places below `prefix` that hold plain values; `prefix` itself when it holds one. */
export function leafPaths(value: DialectInput[string], prefix = ''): string[] {
  if (typeof value !== 'object') return [prefix];
  return Object.entries(value).flatMap(([name, inner]) => leafPaths(inner, joinPath(prefix, name)));
}

/** The part of an order without which the picture still is the one that was ordered, if one stands at this place. */
export function optionalPart(path: string): (typeof OPTIONAL_FIELDS)[number] | undefined {
  return OPTIONAL_FIELDS.find((part) => path.split('.').at(-1) === part);
}

export function inputOf(dialect: Dialect, order: WireOrder, encoding: Encoding): DialectInput {
  const { leftOut, webhookInOptions, values } = encoding;
  const input = dialect.input(order);
  return changeLeaves(webhookInOptions ? withWebhookInOptions(input) : input, (path, leaf) => {
    if (leftOut.includes(path)) return undefined;
    const word = typeof leaf === 'string' ? values[path]?.[leaf] : undefined;
    return word === null ? undefined : (word ?? leaf);
  });
}

export function bodyOf(dialect: Dialect, order: WireOrder, encoding: Encoding): object {
  const input = inputOf(dialect, order, encoding);
  if (dialect.name === 'rest') return input;
  const { name, inputType, fields } = dialect;
  const selection = fields.filter((field) => !encoding.unselected.includes(field)).join(' ');
  const query = `mutation ($input: ${encoding.typeName ?? inputType}!) { job: ${name}(input: $input) { ${selection} } }`;
  return { query, variables: { input } };
}

/** The parts that are wanted and have no place in this dialect, or at this service. */
export function omittedParts(dialect: Dialect, order: WireOrder, encoding: Encoding): string[] {
  const sent = leafPaths(inputOf(dialect, order, encoding)).map(optionalPart);
  return OPTIONAL_FIELDS.filter((part) => order[part] !== undefined && !sent.includes(part));
}

/** The input with its webhook address, if it has one, among the options: where it goes is not documented. */
export function withWebhookInOptions(input: DialectInput): DialectInput {
  const { webhookUrl, options, ...rest } = input;
  return webhookUrl === undefined || typeof options !== 'object'
    ? input
    : { ...rest, options: { ...options, webhookUrl } };
}

type Leaf = Exclude<DialectInput[string], DialectInput>;

/** The input with each plain value changed, without those that are `undefined` then. */
function changeLeaves(input: DialectInput, change: (path: string, leaf: Leaf) => Leaf, prefix = ''): DialectInput {
  const changed = Object.entries(input).map(([name, inner]) => {
    const path = joinPath(prefix, name);
    return [name, typeof inner === 'object' ? changeLeaves(inner, change, path) : change(path, inner)] as const;
  });
  return Object.fromEntries(changed.filter(([, inner]) => inner !== undefined));
}
