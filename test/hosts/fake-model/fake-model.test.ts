/** The fake model API refuses what the real ones are documented to refuse, and measures what a model receives. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pngOf, SMALL_JPEG } from '../../support/pictures.ts';
import { type FakeModel, startFakeModel } from './server.ts';

const JPEG = Buffer.from(SMALL_JPEG).toString('base64');
const URL = `data:image/jpeg;base64,${JPEG}`;
const SCHEMA = { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] };

let model: FakeModel;
const begin = () => model.play([{ tool: 'generate_image', arguments: { prompt: 'a heron' } }]);
beforeEach(async () => {
  model = await startFakeModel();
  begin();
});
afterEach(() => model.close());

type Answer = Record<string, never> & { error?: { message: string } };

async function post(path: string, body: unknown): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(`${model.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, answer: (await response.json()) as Answer };
}

const chatTool = { type: 'function', function: { name: 'flux_generate_image', parameters: SCHEMA } };

/** Asks for the call, and answers it with this content. */
async function chat(content: unknown, more: unknown[] = []) {
  const user = { role: 'user', content: 'Make it.' };
  const first = await post('/v1/chat/completions', { tools: [chatTool], messages: [user] });
  const { message } = (first.answer as unknown as { choices: [{ message: { tool_calls: [{ id: string }] } }] })
    .choices[0];
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content };
  return post('/v1/chat/completions', { tools: [chatTool], messages: [user, message, result, ...more] });
}

async function anthropic(content: unknown, isError = false) {
  begin();
  const tools = [{ name: 'generate_image', input_schema: SCHEMA }];
  const user = { role: 'user', content: 'Make it.' };
  const first = await post('/v1/messages', { max_tokens: 10, tools, messages: [user] });
  const blocks = (first.answer as unknown as { content: [{ id: string }] }).content;
  const result = { type: 'tool_result', tool_use_id: blocks[0].id, content, is_error: isError };
  const messages = [user, { role: 'assistant', content: blocks }, { role: 'user', content: [result] }];
  return post('/v1/messages', { max_tokens: 10, tools, messages });
}

const gemini = (parameters: unknown, more: unknown[] = []) =>
  post('/v1beta/models/gemini:generateContent', {
    tools: [{ functionDeclarations: [{ name: 'generate_image', parameters }] }],
    contents: [{ role: 'user', parts: [{ text: 'Make it.' }] }, ...more],
  });

describe('the fake chat completions', () => {
  it('tells what a tool message brings as text', async () => {
    expect((await chat([{ type: 'text', text: 'finished' }])).status).toBe(200);
    expect(model.received()).toEqual([{ callId: expect.any(String), text: 'finished', pictures: [] }]);
    expect(model.refusals()).toEqual([]);
  });

  it('refuses a picture in a tool message, which the real API does not take there', async () => {
    const { status, answer } = await chat([{ type: 'image_url', image_url: { url: URL } }]);
    expect(status).toBe(400);
    expect(answer.error?.message).toContain("not supported in messages with role 'tool'");
    expect(model.received()).toEqual([undefined]);
  });

  it('takes a picture that follows in a message of the user for one of the result', async () => {
    const picture = { role: 'user', content: [{ type: 'image_url', image_url: { url: URL } }] };
    expect((await chat('finished', [picture])).status).toBe(200);
    expect(model.received()[0]?.pictures).toEqual([
      { mediaType: 'image/jpeg', bytes: SMALL_JPEG.length, width: 16, height: 16 },
    ]);
  });

  it('refuses an address where a picture should be', async () => {
    const picture = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'flux://images/job_1' } }] };
    expect((await chat('finished', [picture])).status).toBe(400);
  });

  it('refuses a strict schema whose arguments are optional', async () => {
    const strict = { type: 'function', function: { name: 'x', strict: true, parameters: { ...SCHEMA, required: [] } } };
    const { status } = await post('/v1/chat/completions', { tools: [strict], messages: [] });
    expect(status).toBe(400);
  });
});

describe('the fake responses', () => {
  it('takes pictures in the output of a call, and refuses parts that it does not know', async () => {
    const tools = [{ type: 'function', name: 'generate_image', parameters: SCHEMA }];
    const input = [{ role: 'user', content: 'Make it.' }];
    const first = await post('/v1/responses', { tools, input });
    const [call] = (first.answer as unknown as { output: [{ call_id: string }] }).output;
    const output = (part: unknown) => [
      ...input,
      call,
      { type: 'function_call_output', call_id: call.call_id, output: [part] },
    ];
    expect((await post('/v1/responses', { tools, input: output({ type: 'resource_link' }) })).status).toBe(400);
    expect(
      (await post('/v1/responses', { tools, input: output({ type: 'input_image', image_url: URL }) })).status,
    ).toBe(200);
    expect(model.received()[0]?.pictures).toHaveLength(1);
  });
});

describe('the fake messages', () => {
  const picture = (mediaType: string, data: string) => ({
    type: 'image',
    source: { type: 'base64', media_type: mediaType, data },
  });

  it('takes a picture in a result', async () => {
    expect((await anthropic([{ type: 'text', text: 'finished' }, picture('image/jpeg', JPEG)])).status).toBe(200);
    expect(model.received()[0]).toMatchObject({ text: 'finished', pictures: [{ width: 16 }] });
  });

  it('refuses pictures that are not what they are said to be, or wider than 8,000 pixels', async () => {
    const refusal = async (part: unknown) => (await anthropic([part])).answer.error?.message;
    expect(await refusal(picture('image/png', JPEG))).toContain('declared as image/png but is image/jpeg');
    expect(await refusal(picture('image/avif', JPEG))).toContain('unsupported media type');
    const wide = Buffer.from(await pngOf(8_008, 1)).toString('base64');
    expect(await refusal(picture('image/png', wide))).toContain('8000 pixels');
  });

  it('refuses empty texts, unknown parts, and pictures in a result that is marked as an error', async () => {
    const refusal = async (part: unknown, isError = false) => (await anthropic([part], isError)).answer.error?.message;
    expect(await refusal({ type: 'text', text: '' })).toContain('must be non-empty');
    expect(await refusal({ type: 'resource_link', uri: 'x' })).toContain('does not match any of the expected tags');
    expect(await refusal(picture('image/jpeg', JPEG), true)).toContain('if `is_error` is true');
  });
});

describe('the fake generateContent', () => {
  it.each([
    ['multipleOf', { type: 'object', properties: { width: { type: 'integer', multipleOf: 8 } } }],
    ['additionalProperties', { ...SCHEMA, additionalProperties: false }],
    ['type', { type: 'object', properties: { width: { type: ['number', 'null'] } } }],
    ['enum', { type: 'object', properties: { width: { type: 'integer', enum: [1] } } }],
  ])('refuses a schema with %s, which its message does not have', async (keyword, schema) => {
    const { status, answer } = await gemini(schema);
    expect(status).toBe(400);
    expect(answer.error?.message).toContain(keyword);
  });

  it('knows an answer to its call by what the call says, where it has no id', async () => {
    await gemini(SCHEMA);
    const call = { functionCall: { name: 'generate_image', args: { prompt: 'a heron' } } };
    const response = { functionResponse: { name: 'generate_image', response: { output: 'finished' } } };
    const parts = [response, { inlineData: { mimeType: 'image/jpeg', data: JPEG } }];
    await gemini(SCHEMA, [
      { role: 'model', parts: [call] },
      { role: 'user', parts },
    ]);
    expect(model.refusals()).toEqual([]);
    expect(model.received()[0]).toMatchObject({ text: 'finished', pictures: [{ height: 16 }] });
  });

  it('refuses two responses for one call', async () => {
    const call = { functionCall: { name: 'generate_image', args: {} } };
    const response = { functionResponse: { name: 'generate_image', response: {} } };
    const contents = [
      { role: 'model', parts: [call] },
      { role: 'user', parts: [response, response] },
    ];
    expect((await gemini(SCHEMA, contents)).answer.error?.message).toContain(
      'equal to the number of function call parts',
    );
  });
});
