/** Anthropic's messages: a tool result holds text and pictures; one that is marked as an error, text alone. */
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
import { readPicture } from './pictures.ts';
import { checkAnthropicSchema } from './schemas.ts';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/u;
const PICTURE_BYTES_MAX = 5 * 1_024 * 1_024;
const SIDE_MAX_PX = 8_000;
/** In requests with more pictures than this, the side is bounded further. */
const MANY = 20;
const SIDE_MAX_PX_AMONG_MANY = 2_000;

/** A conversation that the API keeps between turns: a request then holds what is new, and the id of the last answer. */
type Thread = { messages: Json[]; tools: Json[] };
type Threads = Map<string, Thread>;

function read(body: Json, threads: Threads): Conversation {
  if (typeof body.max_tokens !== 'number') throw new Refusal('max_tokens: Field required');
  const thread = isRecord(body.thread) ? body.thread : undefined;
  const before =
    thread?.type === 'continue' ? threads.get(textOf(thread.previous_message_id)) : { messages: [], tools: [] };
  if (before === undefined) throw new Refusal('thread.previous_message_id: thread not found');
  const messages = [...before.messages, ...recordsOf(body.messages)];
  const tools = thread?.type === 'continue' ? before.tools : recordsOf(body.tools);
  return {
    tools: toolsOf(tools),
    results: resultsOf(messages),
    stream: body.stream === true,
    keep: (id, block) => {
      if (thread !== undefined)
        threads.set(id, { tools, messages: [...messages, { role: 'assistant', content: [block] }] });
    },
  };
}

function toolsOf(tools: Json[]): OfferedTool[] {
  const names = new Set<string>();
  return tools.flatMap((tool, at) => {
    if (typeof tool.type === 'string' && tool.type !== 'custom') return [];
    const name = textOf(tool.name);
    if (!TOOL_NAME.test(name))
      throw new Refusal(`tools.${at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    if (names.has(name)) throw new Refusal('tools: Tool names must be unique.');
    names.add(name);
    checkAnthropicSchema(tool.input_schema, `tools.${at}.custom.input_schema`);
    return [{ name, description: textOf(tool.description), schema: tool.input_schema }];
  });
}

function resultsOf(messages: Json[]): Received[] {
  const results: Received[] = [];
  let open: string[] = [];
  for (const [at, message] of messages.entries()) {
    const blocks = recordsOf(message.content);
    if (message.role === 'assistant') {
      open = blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => textOf(id));
      continue;
    }
    const answered = blocks.filter(({ type }) => type === 'tool_result').map(({ tool_use_id: id }) => textOf(id));
    const missing = open.filter((id) => !answered.includes(id));
    if (missing.length > 0)
      throw new Refusal(
        `messages.${at - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}.`,
      );
    for (const id of answered)
      if (!open.includes(id))
        throw new Refusal(`messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}.`);
    open = [];
    for (const [part, block] of blocks.entries()) {
      const where = `messages.${at}.content.${part}`;
      if (block.type === 'tool_result') results.push(toolResult(block, where));
      if (block.type === 'image') results.at(-1)?.pictures.push(pictureOf(block, where));
      if (block.type === 'text' && textOf(block.text) === '')
        throw new Refusal(`${where}: text content blocks must be non-empty`);
    }
  }
  checkSides(results);
  return results;
}

function toolResult(block: Json, where: string): Received {
  const received: Received = { callId: textOf(block.tool_use_id), text: '', pictures: [] };
  if (typeof block.content === 'string' || block.content === undefined)
    return { ...received, text: textOf(block.content) };
  const texts: string[] = [];
  for (const [at, part] of recordsOf(block.content).entries()) {
    const inner = `${where}.tool_result.content.${at}`;
    if (part.type === 'text') {
      if (textOf(part.text) === '') throw new Refusal(`${inner}: text content blocks must be non-empty`);
      texts.push(textOf(part.text));
      continue;
    }
    if (block.is_error === true) throw new Refusal(`${where}: all content must be type "text" if \`is_error\` is true`);
    if (part.type === 'image') received.pictures.push(pictureOf(part, inner));
    else
      throw new Refusal(
        `${inner}: Input tag ${JSON.stringify(asText(part.type))} found using 'type' does not match any of the expected tags: 'document', 'image', 'search_result', 'text', 'tool_reference'`,
      );
  }
  return { ...received, text: texts.join('\n') };
}

function pictureOf(block: Json, where: string) {
  const source = isRecord(block.source) ? block.source : {};
  if (source.type !== 'base64')
    throw new Refusal(`${where}.source: Unable to download the file. Please verify the URL and try again.`);
  const picture = readPicture(textOf(source.media_type), textOf(source.data), where);
  if (picture.bytes > PICTURE_BYTES_MAX)
    throw new Refusal(
      `${where}.source.base64: image exceeds 5 MB maximum: ${picture.bytes} bytes > ${PICTURE_BYTES_MAX} bytes`,
    );
  if (Math.max(picture.width, picture.height) > SIDE_MAX_PX)
    throw new Refusal(
      `${where}.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels`,
    );
  return picture;
}

function checkSides(results: Received[]): void {
  const pictures = results.flatMap((one) => one.pictures);
  if (pictures.length <= MANY) return;
  if (pictures.some(({ width, height }) => Math.max(width, height) > SIDE_MAX_PX_AMONG_MANY))
    throw new Refusal(
      'At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels',
    );
}

const threads: Threads = new Map();

export const anthropic: Dialect = {
  name: 'anthropic',
  read: (body) => read(body, threads),
  refusal: (message) => ({ type: 'error', error: { type: 'invalid_request_error', message } }),
  write: (answer, { stream, keep }, model) => {
    const block =
      'call' in answer
        ? { type: 'tool_use', id: answer.call.id, name: answer.call.name, input: answer.call.arguments }
        : { type: 'text', text: answer.text };
    const stop = 'call' in answer ? 'tool_use' : 'end_turn';
    const usage = { input_tokens: 10, output_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
    const id = newId('msg');
    keep?.(id, block);
    const base = { id, type: 'message', role: 'assistant', model, stop_sequence: null, usage };
    if (!stream) return { json: { ...base, content: [block], stop_reason: stop } };
    const begun = 'call' in answer ? { ...block, input: {} } : { type: 'text', text: '' };
    const delta =
      'call' in answer
        ? { type: 'input_json_delta', partial_json: JSON.stringify(answer.call.arguments) }
        : { type: 'text_delta', text: answer.text };
    const events = [
      { type: 'message_start', message: { ...base, content: [], stop_reason: null } },
      { type: 'content_block_start', index: 0, content_block: begun },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 10 } },
      { type: 'message_stop' },
    ];
    return { events: events.map((data) => ({ event: data.type, data })) };
  },
};
