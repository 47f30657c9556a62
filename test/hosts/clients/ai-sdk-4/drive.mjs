import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { experimental_createMCPClient as createMCPClient, generateText } from 'ai';
import { Experimental_StdioMCPTransport as StdioTransport } from 'ai/mcp-stdio';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const models = {
  chat: () => createOpenAI({ baseURL: openAiUrl, apiKey }).chat(model),
  responses: () => createOpenAI({ baseURL: openAiUrl, apiKey }).responses(model),
  anthropic: () => createAnthropic({ baseURL: openAiUrl, apiKey })(model),
  gemini: () => createGoogleGenerativeAI({ baseURL: `${task.url}/v1beta`, apiKey })(model),
};
const client = await createMCPClient({ transport: new StdioTransport(task.server) });
const tools = await client.tools();
await runPrompts(async (prompt) => {
  const { text } = await generateText({
    model: models[task.dialect](),
    tools,
    prompt,
    maxSteps: 8,
    maxRetries: 0,
    // Without this it asks for strict schemas, which the API refuses where an argument is optional.
    providerOptions: { openai: { strictSchemas: false } },
    // The client has no time-out of its own.
    ...(task.timeoutMs === undefined ? {} : { abortSignal: AbortSignal.timeout(task.timeoutMs) }),
  });
  return text;
});
await client.close();
