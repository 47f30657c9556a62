// Owns the proof of the scenarios about the schema: what the service offers, and how it refuses what it does not.

import { buildClientSchema, buildSchema, getIntrospectionQuery, type IntrospectionQuery, printSchema } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { type Sandbox, type ScenarioName, startSandbox } from '../../sandbox/sandbox.ts';
import { schemaSdl } from '../../sandbox/schema.ts';

let sandbox: Sandbox;
afterEach(() => sandbox?.close());

async function start(...scenarios: ScenarioName[]): Promise<void> {
  sandbox = await startSandbox({ jobDurationMs: 0, seed: 'schema', scenarios });
}

type Body = {
  data?: Record<string, { id: string; status: string } | null>;
  errors?: { message: string; extensions: { code: string } }[];
};

async function send(path: string, init: RequestInit): Promise<{ status: number; body: Body }> {
  const response = await fetch(sandbox.url + path, init);
  return { status: response.status, body: (await response.json()) as Body };
}

function graphql(query: string, variables: object = {}) {
  const headers = { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json' };
  return send('/graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
}

function rest(input: object) {
  const headers = { 'x-api-key': sandbox.key, 'content-type': 'application/json' };
  return send('/v1/text_to_image', { method: 'POST', headers, body: JSON.stringify(input) });
}

const GENERATE = 'mutation ($input: GenerateInput!) { job: generate(input: $input) { id status } }';
const GENERATE_IMAGE = 'mutation ($input: ImageGenerationInput!) { job: generateImage(input: $input) { id status } }';
const generateInput = { type: 'IMAGE', provider: 'flux-pro', input: { text: 'a fox' } };
const tableInput = { service: 'flux-pro', prompt: 'a fox' };
const generate = (more: object = {}) => graphql(GENERATE, { input: { ...generateInput, ...more } });
const generateImage = (more: object = {}) => graphql(GENERATE_IMAGE, { input: { ...tableInput, ...more } });

const messages = ({ body }: { body: Body }): string[] => (body.errors ?? []).map(({ message }) => message);
const charges = (): number => sandbox.inspect().charges.length;

async function reportedSchema(): Promise<string> {
  const { body } = await graphql(getIntrospectionQuery());
  return printSchema(buildClientSchema((body as { data: unknown }).data as IntrospectionQuery));
}

describe('only-generate-image', () => {
  it('knows neither generate nor its types; nothing is charged for asking', async () => {
    await start('only-generate-image');
    const refused = await generate();
    expect(refused.status).toBe(400);
    expect(refused.body.errors?.map(({ extensions }) => extensions.code)).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(messages(refused).join('\n')).toMatch(/Unknown type "GenerateInput".*Cannot query field "generate"/s);
    expect(charges()).toBe(0);
    const schema = await reportedSchema();
    expect(schema).not.toMatch(/\bgenerate\(|GenerateInput|GenerateOptions|\bGeneration\b/);
  });

  it('takes orders by generateImage and REST', async () => {
    await start('only-generate-image');
    expect((await generateImage({ version: 'flux-pro-1.1' })).status).toBe(200);
    expect((await rest(tableInput)).status).toBe(200);
    expect(charges()).toBe(2);
  });
});

describe('only-rest', () => {
  it('has nothing at /graphql, with or without a key, and still logs what was wanted', async () => {
    await start('only-rest');
    const refused = await generate();
    expect(refused.status).toBe(404);
    expect(refused.body.errors?.[0]).toEqual({
      message: 'There is nothing at /graphql',
      extensions: { code: 'NOT_FOUND' },
    });
    expect((await send('/graphql', {})).status).toBe(404);
    expect(sandbox.inspect()).toMatchObject({
      charges: [],
      requests: [{ operation: 'generate', httpStatus: 404 }, {}],
    });
  });

  it('takes orders and reports jobs by REST', async () => {
    await start('only-rest');
    const ordered = await rest(tableInput);
    expect(ordered.status).toBe(200);
    const { id } = ordered.body as { id?: string };
    const read = await send(`/v1/text_to_image/${id}`, { headers: { 'x-api-key': sandbox.key } });
    expect(read).toMatchObject({ status: 200, body: { id, status: 'completed' } });
    expect(charges()).toBe(1);
  });
});

describe('no-introspection', () => {
  it('refuses the question for the schema and answers every other', async () => {
    await start('no-introspection');
    const refused = await graphql(getIntrospectionQuery());
    expect(refused.status).toBe(400);
    expect(refused.body.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect((await graphql('{ __typename }')).body).toEqual({ data: { __typename: 'Query' } });
    const { body } = await generate();
    const id = body.data?.job?.id ?? '';
    expect((await graphql(`{ checkJobStatus(jobId: "${id}") { id } }`)).body).toEqual({
      data: { checkJobStatus: { id } },
    });
    expect(charges()).toBe(1);
  });
});

describe('renamed-query', () => {
  it('answers for a job under the other name only', async () => {
    await start('renamed-query');
    const id = (await generate()).body.data?.job?.id ?? '';
    const refused = await graphql(`{ checkJobStatus(jobId: "${id}") { id } }`);
    expect(refused.status).toBe(400);
    expect(messages(refused)).toEqual(['Cannot query field "checkJobStatus" on type "Query".']);
    const reported = await graphql(`{ job: generationById(generationId: "${id}") { id status } }`);
    expect(reported.body).toEqual({ data: { job: { id, status: 'completed' } } });
    expect((await graphql('{ generationById(generationId: "none") { id } }')).body).toEqual({
      data: { generationById: null },
    });
    expect(sandbox.inspect().requests.map(({ operation }) => operation)).toEqual([
      'generate',
      'status',
      'status',
      'status',
    ]);
    expect(await reportedSchema()).toContain('generationById(generationId: ID!): Job');
    expect(charges()).toBe(1);
  });
});

describe('strict-input', () => {
  it.each([
    ['version', () => generate({ options: { version: 'flux-pro' } })],
    ['quality', () => generate({ options: { quality: 'high' } })],
    ['webhookUrl', () => generate({ webhookUrl: 'http://127.0.0.1:1/' })],
    ['version', () => generateImage({ version: 'flux-pro' })],
    ['webhookUrl', () => generateImage({ webhookUrl: 'http://127.0.0.1:1/' })],
  ])('refuses %s as undefined and charges nothing', async (field, order) => {
    await start('strict-input');
    const refused = await order();
    expect(refused.status).toBe(400);
    expect(messages(refused)).toEqual([expect.stringMatching(`; Field "${field}" is not defined by type "\\w+"`)]);
    expect(refused.body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(charges()).toBe(0);
  });

  it('refuses it in a literal, too', async () => {
    await start('strict-input');
    const refused = await graphql(
      'mutation { generateImage(input: { service: "flux-pro", prompt: "a fox", version: "flux-pro" }) { id } }',
    );
    expect([refused.status, refused.body.errors?.[0]?.extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
  });

  it('takes orders without them, and REST as ever', async () => {
    await start('strict-input');
    expect((await generate({ options: { width: 512, height: 512 } })).status).toBe(200);
    expect((await generateImage({ width: 512 })).status).toBe(200);
    expect((await rest({ ...tableInput, version: 'flux-pro' })).status).toBe(200);
    expect(charges()).toBe(3);
  });
});

describe('the schemas of scenarios', () => {
  it.each([
    [['only-generate-image']],
    [['strict-input']],
    [['renamed-query']],
    [['only-generate-image', 'strict-input', 'renamed-query']],
  ] as const)('%j is a part of the usual one, apart from the query', async (scenarios) => {
    await start(...scenarios);
    const usual = printSchema(buildSchema(schemaSdl())).split('\n');
    const added = (await reportedSchema()).split('\n').filter((line) => !usual.includes(line));
    const renamed = (scenarios as readonly string[]).includes('renamed-query');
    expect(added).toEqual(renamed ? ['  generationById(generationId: ID!): Job'] : []);
  });

  it('go together: nothing is found by asking, and yet it is there', async () => {
    await start('no-introspection', 'renamed-query', 'only-generate-image', 'strict-input');
    expect((await graphql(getIntrospectionQuery())).status).toBe(400);
    const id = (await generateImage()).body.data?.job?.id ?? '';
    const reported = await graphql(`{ job: generationById(generationId: "${id}") { id status } }`);
    expect(reported.body).toEqual({ data: { job: { id, status: 'completed' } } });
  });
});
