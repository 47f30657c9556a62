/** The documented ways to order a picture, how an order is encoded, and what is kept of how this very service takes it. */
import * as z from 'zod';
import type { ImageRequest } from '../core/image-request.ts';
import type { Log } from '../core/ports.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import type { WireMemory } from '../core/wire-memory.ts';
import { graphqlName } from './schema/introspection.ts';
import { type StatusQuery, statusQuerySchema } from './schema/status-query.ts';

export const DIALECT_NAMES = ['generate', 'generateImage', 'rest'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];
/** The dialects of GraphQL are called like their mutations. */
export const MUTATIONS = DIALECT_NAMES.filter((name) => name !== 'rest');

export type WireOrder = ImageRequest & { webhookUrl?: string | undefined };

/** What is ordered, in the service's names. A part that is `undefined` is not sent: the service's own defaults apply. */
export type DialectInput = { readonly [name: string]: Leaf | DialectInput };
export type Leaf = string | number | undefined;

export type GraphqlDialect = {
  /** Of the mutation, whose one argument is `input`. */
  name: (typeof MUTATIONS)[number];
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

const fieldPath = z.string().max(200);
const names = z.array(fieldPath).max(20).catch([]);
/** What was found out about a service; plain data, remembered for a day. Read from the disk: some of it stands in documents. */
const factsSchema = z.object({
  dialect: z.enum(DIALECT_NAMES).optional().catch(undefined),
  /** Places of the input that the service does not have, as dotted paths (`options.quality`). */
  leftOut: names,
  /** The webhook's address stands among the options (docs/service-questions.md, row 5). */
  webhookInOptions: z.boolean().catch(false),
  /** Fields of the answer that the service does not have. */
  unselected: names,
  /** By place: the service's words (enums) for ours; null for a value that it does not take. */
  values: z.record(fieldPath, z.record(fieldPath, fieldPath.nullable())).catch({}),
  /** The input's type, where it goes by another name than the documented one. */
  typeName: graphqlName.optional().catch(undefined),
  /** How jobs are asked for; `rest`: by GET. */
  reading: z
    .union([statusQuerySchema, z.literal('rest')])
    .optional()
    .catch(undefined),
});
type Facts = z.infer<typeof factsSchema>;

export type Encoding = Omit<Facts, 'dialect' | 'reading'>;
export const DOCUMENTED_ENCODING: Encoding = { leftOut: [], webhookInOptions: false, unselected: [], values: {} };

/** Parts of an order that a service may lack without the picture being another one. They have one name everywhere. */
const OPTIONAL_FIELDS = ['version', 'quality', 'webhookUrl'] as const;

export const joinPath = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);

/** The places below `prefix` that hold plain values; `prefix` itself when it holds one. */
export function leafPaths(value: Leaf | DialectInput, prefix = ''): string[] {
  if (typeof value !== 'object') return [prefix];
  return Object.entries(value).flatMap(([name, inner]) => leafPaths(inner, joinPath(prefix, name)));
}

/** The part of an order without which the picture still is the one that was ordered, if one stands at this place. */
export function optionalField(path: string): (typeof OPTIONAL_FIELDS)[number] | undefined {
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
export function omittedFields(dialect: Dialect, order: WireOrder, encoding: Encoding): string[] {
  const sent = leafPaths(inputOf(dialect, order, encoding)).map(optionalField);
  return OPTIONAL_FIELDS.filter((part) => order[part] !== undefined && !sent.includes(part));
}

/** The input with its webhook address, if it has one, among the options: where it goes is not documented. */
export function withWebhookInOptions(input: DialectInput): DialectInput {
  const { webhookUrl, options, ...rest } = input;
  return webhookUrl === undefined || typeof options !== 'object'
    ? input
    : { ...rest, options: { ...options, webhookUrl } };
}

/** The input with each plain value changed, without those that are `undefined` then. */
function changeLeaves(input: DialectInput, change: (path: string, leaf: Leaf) => Leaf, prefix = ''): DialectInput {
  const changed = Object.entries(input).map(([name, inner]) => {
    const path = joinPath(prefix, name);
    return [name, typeof inner === 'object' ? changeLeaves(inner, change, path) : change(path, inner)] as const;
  });
  return Object.fromEntries(changed.filter(([, inner]) => inner !== undefined));
}

export class ServiceFacts {
  #known: Facts | undefined;
  #recalled: Promise<unknown> | undefined;

  /** @param containsSecret names come from the service, which may repeat the key in one */
  constructor(
    readonly memory: WireMemory,
    private readonly log: Log,
    private readonly containsSecret: ContainsSecret = () => false,
  ) {}

  async get(): Promise<Facts> {
    this.#recalled ??= this.memory.recall();
    const recalled = await this.#recalled;
    this.#known ??= factsSchema.safeParse(recalled).data ?? DOCUMENTED_ENCODING;
    return this.#known;
  }

  async noteOrdering(dialect: DialectName, encoding: Encoding): Promise<void> {
    const { reading } = await this.get();
    await this.#change({ ...encoding, dialect, reading });
  }

  async noteReading(reading: StatusQuery | 'rest'): Promise<void> {
    await this.#change({ ...(await this.get()), reading });
  }

  /** The dialect is not offered any more, unless another one was found meanwhile; how jobs are read stays. */
  async forgetOrdering(dialect: DialectName): Promise<void> {
    const { reading, dialect: known } = await this.get();
    if (known !== dialect) return;
    this.log.info('The dialect of this service no longer works and is determined again');
    await this.#change({ ...DOCUMENTED_ENCODING, reading });
  }

  /** This status query does not fit any more. @returns false when another one was found meanwhile */
  async forgetReading(unfit: StatusQuery | 'rest'): Promise<boolean> {
    const { reading, ...rest } = await this.get();
    if (JSON.stringify(reading) !== JSON.stringify(unfit)) return false;
    await this.#change(rest);
    return true;
  }

  async #change(facts: Facts): Promise<void> {
    const before = JSON.stringify(this.#known);
    this.#known = facts;
    const text = JSON.stringify(facts);
    if (text !== before && !this.containsSecret(text)) await this.memory.remember(facts);
  }
}
