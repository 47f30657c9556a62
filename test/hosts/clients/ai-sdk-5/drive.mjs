import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { experimental_createMCPClient as createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs } from 'ai';
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
    stopWhen: stepCountIs(8),
    maxRetries: 0,
    // The client has no time-out of its own.
    ...(task.timeoutMs === undefined ? {} : { abortSignal: AbortSignal.timeout(task.timeoutMs) }),
  });
  return text;
});
await client.close();
