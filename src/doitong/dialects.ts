/** The documented ways to order a picture, as data: where each goes, and how it encodes the order. */
import type { ImageRequest } from '../core/image-request.ts';

export const DIALECT_NAMES = ['generate', 'generateImage', 'rest'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

/** What one order says, whatever the dialect. */
export type WireOrder = ImageRequest & { webhookUrl?: string };

/** Parts of an order that a service may lack without the picture being another one. They have one name everywhere. */
export const OPTIONAL_FIELDS = ['version', 'quality', 'webhookUrl'] as const;

export type GraphqlDialect = {
  name: 'generate' | 'generateImage';
  kind: 'graphql';
  path: '/graphql';
  /** The mutation and the type of its one argument, `input`. */
  rootField: string;
  inputType: string;
  /** What is selected on the answer; only `id` is needed. */
  fields: readonly string[];
  input: DialectInput;
};

/** Parts that have no place in it are never sent. */
type DialectInput = (order: WireOrder) => Record<string, unknown>;

export type RestDialect = { name: 'rest'; kind: 'rest'; path: '/v1/text_to_image'; input: DialectInput };

export type Dialect = GraphqlDialect | RestDialect;

const SERVICE = 'flux-pro';

/** The one in the curl, Python and raw GraphQL examples of the page. */
const GENERATE: GraphqlDialect = {
  name: 'generate',
  kind: 'graphql',
  path: '/graphql',
  rootField: 'generate',
  inputType: 'GenerateInput',
  fields: ['id', 'status', 'url', 'creditCost', 'createdAt'],
  input: ({ prompt, width, height, version, quality, webhookUrl }) =>
    present({
      type: 'IMAGE',
      provider: SERVICE,
      input: { text: prompt },
      options: present({ width, height, version, quality }),
      webhookUrl,
    }),
};

/** The one in the JavaScript example; its arguments are those of the parameter table, which knows no quality. */
const GENERATE_IMAGE: GraphqlDialect = {
  name: 'generateImage',
  kind: 'graphql',
  path: '/graphql',
  rootField: 'generateImage',
  inputType: 'ImageGenerationInput',
  fields: ['id', 'status', 'url', 'createdAt'],
  input: ({ prompt, width, height, version, webhookUrl }) =>
    present({ service: SERVICE, prompt, width, height, version, webhookUrl }),
};

/** No body is shown on the page: the parameter table is taken to apply. */
const REST: RestDialect = { name: 'rest', kind: 'rest', path: '/v1/text_to_image', input: GENERATE_IMAGE.input };

/** In the order in which they are tried. */
export const DIALECTS = [GENERATE, GENERATE_IMAGE, REST] as const;

export function dialectOf(name: DialectName): Dialect {
  return DIALECTS.find((dialect) => dialect.name === name) ?? GENERATE;
}

export function orderDocument({ rootField, inputType }: GraphqlDialect, fields: readonly string[]): string {
  return `mutation ($input: ${inputType}!) { job: ${rootField}(input: $input) { ${fields.join(' ')} } }`;
}

/** Absent settings are not sent, so that the service's own defaults apply. */
function present(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
