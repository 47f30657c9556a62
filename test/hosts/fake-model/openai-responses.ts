/** OpenAI's responses: the output of a function call is text, or a list of text, pictures and files. */
import {
  asText,
  type Conversation,
  type Dialect,
  isRecord,
  type Json,
  newId,
  type OfferedTool,
  type Received,
  Refusal,
  recordsOf,
  textOf,
} from './conversation.ts';
import { openAiError, openAiToolName } from './openai.ts';
import { readPictureUrl } from './pictures.ts';
import { checkOpenAiSchema } from './schemas.ts';

/** Before the id of a call, in the id of its item. */
const CALL_ITEM = 'fc_';

function read(body: Json): Conversation {
  if (typeof body.previous_response_id === 'string')
    throw new Refusal(`Previous response with id '${body.previous_response_id}' not found.`);
  return { tools: toolsOf(body.tools), results: resultsOf(recordsOf(body.input)), stream: body.stream === true };
}

/** A namespace holds functions; the model names both. */
function toolsOf(value: unknown, namespace?: string): OfferedTool[] {
  return recordsOf(value).flatMap((tool, at) => {
    if (tool.type === 'namespace') return toolsOf(tool.tools, textOf(tool.name));
    if (tool.type !== 'function') return [];
    const name = openAiToolName(tool.name, `tools[${at}].name`);
    checkOpenAiSchema(tool.parameters, name, tool.strict === true);
    const description = textOf(tool.description);
    return [{ name, description, schema: tool.parameters, ...(namespace === undefined ? {} : { namespace }) }];
  });
}

function resultsOf(items: Json[]): Received[] {
  const results: Received[] = [];
  const called = new Set<string>();
  for (const [at, item] of items.entries()) {
    if (item.type === 'function_call') called.add(textOf(item.call_id));
    // An item that the API has stored, by its id: of those, the fake knows its own calls.
    if (item.type === 'item_reference' && textOf(item.id).startsWith(CALL_ITEM))
      called.add(textOf(item.id).slice(CALL_ITEM.length));
    if (item.type === 'function_call_output') {
      const callId = textOf(item.call_id);
      if (!called.delete(callId))
        throw new Refusal(`No tool call found for function call output with call_id ${callId}.`);
      results.push(outputOf(item.output, callId, `input[${at}].output`));
    }
    // Some send a picture in a message of the user behind it.
    if (item.role === 'user')
      for (const [part, content] of recordsOf(item.content).entries())
        if (content.type === 'input_image')
          results.at(-1)?.pictures.push(readPictureUrl(content.image_url, `input[${at}].content[${part}].image_url`));
  }
  if (called.size > 0) throw new Refusal(`No tool output found for function call ${[...called].join(', ')}.`);
  return results;
}

function outputOf(output: unknown, callId: string, where: string): Received {
  if (typeof output === 'string') return { callId, text: output, pictures: [] };
  if (!Array.isArray(output))
    throw new Refusal(
      `Invalid type for '${where}': expected one of an array of objects or string, but got ${isRecord(output) ? 'an object' : typeof output} instead.`,
    );
  const received: Received = { callId, text: '', pictures: [] };
  const texts: string[] = [];
  for (const [at, part] of recordsOf(output).entries()) {
    if (part.type === 'input_text') texts.push(textOf(part.text));
    else if (part.type === 'input_image')
      received.pictures.push(readPictureUrl(part.image_url, `${where}[${at}].image_url`));
    else
      throw new Refusal(
        `Invalid value: '${asText(part.type)}'. Supported values are: 'input_text', 'input_image', and 'input_file' (${where}[${at}].type).`,
      );
  }
  return { ...received, text: texts.join('\n') };
}

export const openAiResponses: Dialect = {
  name: 'responses',
  read,
  refusal: openAiError,
  write: (answer, { stream }, model) => {
    const item =
      'call' in answer
        ? {
            type: 'function_call',
            id: `${CALL_ITEM}${answer.call.id}`,
            call_id: answer.call.id,
            name: answer.call.name,
            ...(answer.call.namespace === undefined ? {} : { namespace: answer.call.namespace }),
            arguments: JSON.stringify(answer.call.arguments),
            status: 'completed',
          }
        : {
            type: 'message',
            id: newId('msg'),
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: answer.text, annotations: [] }],
          };
    const usage = {
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 10,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 20,
    };
    const base = {
      id: newId('resp'),
      object: 'response',
      created_at: 1_764_000_000,
      model,
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: {},
      parallel_tool_calls: false,
      tool_choice: 'auto',
      tools: [],
    };
    const done = { ...base, status: 'completed', output: [item], usage };
    if (!stream) return { json: done };
    const opened = { ...base, status: 'in_progress', output: [], usage: null };
    const parts =
      'call' in answer
        ? [
            {
              type: 'response.function_call_arguments.delta',
              item_id: item.id,
              output_index: 0,
              delta: JSON.stringify(answer.call.arguments),
            },
            {
              type: 'response.function_call_arguments.done',
              item_id: item.id,
              output_index: 0,
              arguments: JSON.stringify(answer.call.arguments),
            },
          ]
        : [
            {
              type: 'response.content_part.added',
              item_id: item.id,
              output_index: 0,
              content_index: 0,
              part: { type: 'output_text', text: '', annotations: [] },
            },
            {
              type: 'response.output_text.delta',
              item_id: item.id,
              output_index: 0,
              content_index: 0,
              delta: answer.text,
            },
            {
              type: 'response.output_text.done',
              item_id: item.id,
              output_index: 0,
              content_index: 0,
              text: answer.text,
            },
            {
              type: 'response.content_part.done',
              item_id: item.id,
              output_index: 0,
              content_index: 0,
              part: { type: 'output_text', text: answer.text, annotations: [] },
            },
          ];
    const begun =
      'call' in answer
        ? { ...item, arguments: '', status: 'in_progress' }
        : { ...item, content: [], status: 'in_progress' };
    const events = [
      { type: 'response.created', response: opened },
      { type: 'response.in_progress', response: opened },
      { type: 'response.output_item.added', output_index: 0, item: begun },
      ...parts,
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: done },
    ];
    return { events: events.map((data, at) => ({ event: data.type, data: { ...data, sequence_number: at } })) };
  },
};
