/** Gemini's generateContent: the schema of a tool is a message with known fields; the response of a function, an object. */
import {
  type Conversation,
  callIdOf,
  type Dialect,
  isRecord,
  type Json,
  listOf,
  newId,
  type OfferedTool,
  type Received,
  Refusal,
  recordsOf,
  textOf,
} from './conversation.ts';
import { readPicture } from './pictures.ts';
import { checkGeminiSchema } from './schemas.ts';

const TOOL_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/u;

function read(body: Json, path: string): Conversation {
  return {
    tools: toolsOf(listOf(body.tools)),
    results: resultsOf(recordsOf(body.contents)),
    stream: path.includes(':streamGenerateContent'),
  };
}

function toolsOf(groups: Json[]): OfferedTool[] {
  return groups.flatMap((group, at) =>
    recordsOf(group.functionDeclarations ?? group.function_declarations).map((tool, index) => {
      const where = `tools[${at}].function_declarations[${index}]`;
      const name = textOf(tool.name);
      if (!TOOL_NAME.test(name))
        throw new Refusal(
          `* GenerateContentRequest.${where}.name: Invalid function name. Must start with a letter or an underscore and have at most 64 characters of a-z, A-Z, 0-9, underscores, dots, colons and dashes.`,
        );
      // The other field takes JSON Schema as it is; which keywords it passes over in silence is not documented.
      const asJson = tool.parametersJsonSchema ?? tool.parameters_json_schema;
      if (asJson !== undefined && tool.parameters !== undefined)
        throw new Refusal(
          `* GenerateContentRequest.${where}: parameters and parameters_json_schema are mutually exclusive.`,
        );
      checkGeminiSchema(tool.parameters, `${where}.parameters`);
      return { name, description: textOf(tool.description), schema: tool.parameters ?? asJson };
    }),
  );
}

function resultsOf(contents: Json[]): Received[] {
  const results: Received[] = [];
  let called: Json[] = [];
  for (const [at, content] of contents.entries()) {
    const parts = recordsOf(content.parts);
    if (parts.length === 0)
      throw new Refusal(`* GenerateContentRequest.contents[${at}].parts: contents.parts must not be empty.`);
    if (content.role === 'model') {
      called = parts.flatMap(({ functionCall: call }) => (isRecord(call) ? [call] : []));
      continue;
    }
    const responses = parts.filter((part) => isRecord(part.functionResponse));
    if (responses.length !== called.length)
      throw new Refusal(
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
    const calls = called;
    called = [];
    for (const [index, part] of parts.entries()) {
      const where = `contents[${at}].parts[${index}]`;
      const { functionResponse: response, inlineData } = part;
      if (isRecord(response))
        results.push(responseOf(response, calls[responses.indexOf(part)], `${where}.function_response`));
      if (isRecord(inlineData)) results.at(-1)?.pictures.push(inlinePicture(inlineData, where));
    }
  }
  return results;
}

function responseOf(response: Json, call: Json | undefined, where: string): Received {
  if (!TOOL_NAME.test(textOf(response.name)))
    throw new Refusal(`* GenerateContentRequest.${where}.name: Name cannot be empty.`);
  if (!isRecord(response.response))
    throw new Refusal(`Invalid value at '${where}.response' (type.googleapis.com/google.protobuf.Struct)`);
  const pictures = recordsOf(response.parts).flatMap(({ inlineData }) =>
    isRecord(inlineData) ? [inlinePicture(inlineData, `${where}.parts`)] : [],
  );
  // A single text stands for the whole response, however the framework names it.
  const values = Object.values(response.response);
  const [only] = values;
  const text = values.length === 1 && typeof only === 'string' ? only : JSON.stringify(response.response);
  // Ids are optional here: a call is then known by what it says.
  return { callId: textOf(response.id) || callIdOf(textOf(call?.name), call?.args), text, pictures };
}

const inlinePicture = (data: Json, where: string) =>
  readPicture(textOf(data.mimeType ?? data.mime_type), textOf(data.data), where);

export const gemini: Dialect = {
  name: 'gemini',
  read,
  refusal: (message) => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
  write: (answer, { stream }, model) => {
    const part =
      'call' in answer
        ? {
            functionCall: { id: answer.call.id, name: answer.call.name, args: answer.call.arguments },
            thoughtSignature: 'ZmFrZQ==',
          }
        : { text: answer.text };
    const json = {
      candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 10, totalTokenCount: 20 },
      modelVersion: model,
      responseId: newId('response'),
    };
    return stream ? { events: [{ data: json }] } : { json };
  },
};
