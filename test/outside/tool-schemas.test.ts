/** The tools as the packed program lists them: schemas that every model's API takes, and words that hold the bounds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/catalogue.ts';
import { unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';

type Schema = Record<string, unknown> & { description?: string; properties?: Record<string, Schema>; items?: Schema };
type ListedTool = { name: string; description: string; inputSchema: Schema; outputSchema?: Schema };

const packed = await unpackPackage();
let host: RawHost;
let tools: ListedTool[];
let listed: unknown[];
beforeAll(async () => {
  host = new RawHost(await packed.start(['serve', '--sandbox']));
  await host.handshake();
  tools = ((await host.ask('tools/list')).result?.tools ?? []) as ListedTool[];
  const others = ['prompts/list', 'resources/list', 'resources/templates/list'];
  listed = [tools, ...(await Promise.all(others.map((method) => host.ask(method).then(({ result }) => result))))];
});
afterAll(() => packed.close());

/** Keywords that a model's API is documented or seen to refuse, anywhere in a schema. */
const REFUSED = [
  'multipleOf',
  '$schema',
  '$ref',
  '$defs',
  'definitions',
  'const',
  'oneOf',
  'allOf',
  'anyOf',
  'not',
  'nullable',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'patternProperties',
  'propertyNames',
  'prefixItems',
  'if',
];

/** Every schema inside a schema, with its path; names of properties are no keywords. */
function schemasIn(schema: Schema, path: string): [string, Schema][] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => schemasIn(one, `${path}.${name}`));
  const items = schema.items === undefined ? [] : schemasIn(schema.items, `${path}[]`);
  return [[path, schema], ...inner, ...items];
}

const allSchemas = (): [string, Schema][] =>
  tools.flatMap(({ name, inputSchema, outputSchema }) => [
    ...schemasIn(inputSchema, name),
    ...(outputSchema === undefined ? [] : schemasIn(outputSchema, `${name} (output)`)),
  ]);

const AS_THERE = /as in generate_image\b/iu;

/** What a field says itself, or where it says "as in generate_image", or its list says so, what the field there says. */
function withWords(path: string, schema: Schema): [string, Schema] {
  const [, list = ''] = /\.([a-z_]+)\[\]\./u.exec(path) ?? [];
  const tool = tools.find(({ name }) => name === path.split('.')[0]);
  const { description = tool?.inputSchema.properties?.[list]?.description ?? '', ...rest } = schema;
  if (schema.type === 'array' || !AS_THERE.test(description)) return [path, schema];
  const there = tools[0]?.inputSchema.properties?.[path.split('.').at(-1) ?? ''] ?? {};
  expect({ ...rest, description: there.description }, path).toEqual(there);
  return [path, there];
}
const allArguments = (): [string, Schema][] =>
  tools
    .flatMap(({ name, inputSchema }) => schemasIn(inputSchema, name))
    .filter(([path]) => /\.[a-z_]+$/u.test(path))
    .map(([path, schema]) => withWords(path, schema));

describe('a listed schema', () => {
  it('holds no keyword that a model API refuses', () => {
    expect(tools).toHaveLength(TOOLS.length);
    const found = allSchemas().flatMap(([path, schema]) =>
      REFUSED.filter((word) => word in schema).map((word) => `${path}: ${word}`),
    );
    expect(found).toEqual([]);
  });

  it('names one type for everything, and choices only among texts', () => {
    for (const [path, { type, enum: choices }] of allSchemas()) {
      expect(type, path).toBeTypeOf('string');
      expect(type, path).not.toBe('null');
      if (choices !== undefined) expect(type, path).toBe('string');
    }
  });

  it('holds no number beyond what an API reads, such as the largest integer of JavaScript', () => {
    expect(JSON.stringify(listed)).not.toContain(String(Number.MAX_SAFE_INTEGER));
  });

  it('has no argument for webhooks', () => {
    expect(JSON.stringify(listed)).not.toMatch(/webhook/i);
  });
});

/** As numbers are written in words: 4000 or 4,000. */
const written = (value: number): RegExp =>
  new RegExp(`(?<![\\d,.])(?:${value}|${value.toLocaleString('en-US')})(?![\\d]|[,.]\\d)`, 'u');

describe('the words of an argument', () => {
  it('say each bound, choice and default that its schema has', () => {
    const missing = allArguments().flatMap(([path, schema]) => {
      const { description = '', default: initial } = schema;
      const bounds = ['minimum', 'maximum', 'maxLength', 'minItems', 'maxItems'].map((word) => schema[word]);
      const numbers = bounds.filter((bound) => typeof bound === 'number');
      const words = [...((schema.enum ?? []) as string[]), ...(initial === undefined ? [] : [`Default: ${initial}.`])];
      return [
        ...numbers.filter((bound) => !written(bound).test(description)).map((bound) => `${path}: ${bound}`),
        ...words.filter((word) => !description.includes(word)).map((word) => `${path}: ${word}`),
      ];
    });
    expect(missing).toEqual([]);
    expect(allArguments().length).toBeGreaterThan(25);
  });

  it('say what is taken when it is left out, except for what must be given', () => {
    for (const { name, inputSchema } of tools) {
      const required = (inputSchema.required ?? []) as string[];
      for (const [argument, schema] of Object.entries(inputSchema.properties ?? {})) {
        const [path, { description = '' }] = withWords(`${name}.${argument}`, schema);
        if (!required.includes(argument)) expect(description, path).toContain('Default: ');
      }
    }
  });

  it('say the step of width and height, which is checked all the same', async () => {
    const sides = allArguments().filter(([path]) => /\.(?:width|height)$/u.test(path));
    expect(sides).toHaveLength(4);
    for (const [path, { description }] of sides)
      expect(description, path).toContain('a multiple of 8 from 256 to 2048');
    const refused = await host.call('generate_image', { prompt: 'a heron', width: 260, height: 256 });
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toContain('width: 260 must be a whole number from 256 to 2048, a multiple of 8');
  });
});

describe('the words of a tool', () => {
  it('promise once that an equal call is found, and only for a time', () => {
    const [one, several] = tools.map(({ description }) => description);
    expect(one).toMatch(/at no cost until a day after the picture was saved \(FLUX_DUPLICATE_HOURS\)/u);
    expect(one).toMatch(/later it orders and pays/u);
    expect(several).toMatch(/An equal call finds its jobs entry by entry, as in generate_image, and orders again/u);
    for (const { description } of tools) expect(description).not.toMatch(/nothing twice/u);
  });

  it('say once in the whole catalogue what the service does not offer', () => {
    const all = tools.map((tool) => JSON.stringify(tool)).join('\n');
    for (const word of ['seed', 'reference picture', 'editing', 'transparency', 'cancelling', 'JPEG'])
      expect(all.split(word), word).toHaveLength(2);
  });

  it('say of get_job_status that an order whose answer was lost is sent again in the background, and may be charged', () => {
    const { description = '' } = tools.find(({ name }) => name === 'get_job_status') ?? {};
    expect(description).toContain('Costs nothing and places no new order');
    expect(description).toMatch(/sent again in the background under its own idempotency key/u);
    expect(description).toMatch(/may be charged then, but never twice/u);
    expect(description).not.toMatch(/Costs no credits/u);
  });
});

describe('the catalogue', () => {
  const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

  it('costs a conversation at most 7,500 bytes: names, descriptions and input schemas', () => {
    const seen = tools.map(({ name, description, inputSchema }) => bytes({ name, description, inputSchema }));
    expect(seen.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(7_500);
  });

  it('has at most 10,500 bytes on the wire', async () => {
    expect(bytes((await host.ask('tools/list')).result)).toBeLessThanOrEqual(10_500);
  });
});

describe('an argument for webhooks', () => {
  it.each([
    ['generate_image', { prompt: 'a heron', webhook_url: 'https://hooks.example.org/x' }],
    ['generate_images', { images: [{ prompt: 'a heron' }], webhook_url: 'https://hooks.example.org/x' }],
    ['generate_images', { images: [{ prompt: 'a heron', webhook_url: 'https://hooks.example.org/x' }] }],
    ['generate_image', { prompt: 'a heron', webhookUrl: 'https://hooks.example.org/x' }],
  ])('is refused by %s: %j, with the name of the setting', async (tool, args) => {
    const answer = await host.call(tool, args);
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain('is not an argument of');
    expect(textOf(answer)).toContain('the user can set DOITONG_WEBHOOK_URL');
  });
});

describe('a figure that is not known or not limited', () => {
  it('is absent: nothing in an answer is null', async () => {
    const ordered = await host.call('generate_image', { prompt: 'a heron', wait_seconds: 0 });
    expect(JSON.stringify(ordered)).not.toContain(':null');
    for (const tool of ['check_rate_limits', 'list_jobs']) {
      const answer = (await host.call(tool, {})) as { structuredContent?: unknown };
      expect(answer.structuredContent, tool).toBeDefined();
      expect(JSON.stringify(answer), tool).not.toContain('null');
    }
    const enterprise = new RawHost(await packed.start(['serve', '--sandbox', '--plan', 'enterprise']));
    await enterprise.handshake();
    const limits = (await enterprise.call('check_rate_limits', {})) as { structuredContent?: Record<string, unknown> };
    expect(JSON.stringify(limits)).not.toContain('null');
    expect(limits.structuredContent).toMatchObject({ plan: 'enterprise' });
    expect(limits.structuredContent?.daily).not.toHaveProperty('limit');
    expect(textOf(limits)).toContain('Jobs per day: no fixed limit');
  });
});
