/** OpenAI's chat completions: a tool's message takes text alone. */
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

function read(body: Json): Conversation {
  return { tools: toolsOf(body), results: resultsOf(recordsOf(body.messages)), stream: body.stream === true };
}

function toolsOf(body: Json): OfferedTool[] {
  const tools = recordsOf(body.tools);
  if (tools.length > 128)
    throw new Refusal(`Invalid 'tools': array too long. Expected at most 128, got ${tools.length}.`);
  return tools.flatMap((tool, at) => {
    const { function: fn } = tool;
    if (tool.type !== 'function' || !isRecord(fn))
      throw new Refusal(`Missing required parameter: 'tools[${at}].function'.`);
    const name = openAiToolName(fn.name, `tools[${at}].function.name`);
    checkOpenAiSchema(fn.parameters, name, fn.strict === true);
    return [{ name, description: textOf(fn.description), schema: fn.parameters }];
  });
}

function resultsOf(messages: Json[]): Received[] {
  const results: Received[] = [];
  let open = new Set<string>();
  for (const [at, message] of messages.entries()) {
    const where = `messages[${at}]`;
    if (message.role === 'tool') {
      const callId = textOf(message.tool_call_id);
      if (!open.delete(callId))
        throw new Refusal(
          `Invalid parameter: ${where}: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.`,
        );
      results.push({ callId, text: toolText(message.content, where), pictures: [] });
      continue;
    }
    if (open.size > 0)
      throw new Refusal(
        `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
      );
    if (message.role === 'assistant') open = new Set(recordsOf(message.tool_calls).map(({ id }) => textOf(id)));
    if (message.role === 'user') readUser(message, where, results.at(-1));
  }
  return results;
}

function toolText(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content))
    throw new Refusal(`Invalid type for '${where}.content': expected a string or an array of content parts.`);
  return recordsOf(content)
    .map((part, at) => {
      if (part.type !== 'text')
        throw new Refusal(
          `Invalid '${where}.content[${at}]': content type '${asText(part.type)}' is not supported in messages with role 'tool'; only 'text' is.`,
        );
      return textOf(part.text);
    })
    .join('\n');
}

function readUser(message: Json, where: string, last: Received | undefined): void {
  for (const [at, part] of recordsOf(message.content).entries()) {
    if (part.type !== 'image_url') continue;
    const picture = readPictureUrl(
      isRecord(part.image_url) ? part.image_url.url : undefined,
      `${where}.content[${at}]`,
    );
    last?.pictures.push(picture);
  }
}

export const openAiChat: Dialect = {
  name: 'chat',
  read,
  refusal: openAiError,
  write: (answer, { stream }, model) => {
    const base = { id: newId('chatcmpl'), created: 1_764_000_000, model };
    const calls =
      'call' in answer
        ? [
            {
              id: answer.call.id,
              type: 'function',
              function: { name: answer.call.name, arguments: JSON.stringify(answer.call.arguments) },
            },
          ]
        : undefined;
    const content = 'text' in answer ? answer.text : null;
    const finish = calls === undefined ? 'stop' : 'tool_calls';
    const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
    const message = { role: 'assistant', content, ...(calls === undefined ? {} : { tool_calls: calls }) };
    if (!stream)
      return {
        json: { ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }], usage },
      };
    const chunk = (choices: unknown[], rest = {}) => ({
      data: { ...base, object: 'chat.completion.chunk', choices, ...rest },
    });
    const delta = {
      ...message,
      ...(calls === undefined ? {} : { tool_calls: calls.map((call, index) => ({ index, ...call })) }),
    };
    return {
      events: [
        chunk([{ index: 0, delta, finish_reason: null }]),
        chunk([{ index: 0, delta: {}, finish_reason: finish }]),
        chunk([], { usage }),
        { data: '[DONE]' },
      ],
    };
  },
};
