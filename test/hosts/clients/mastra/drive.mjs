import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { Agent } from '@mastra/core/agent';
import { MCPClient } from '@mastra/mcp';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const models = {
  chat: () => createOpenAI({ baseURL: openAiUrl, apiKey }).chat(model),
  responses: () => createOpenAI({ baseURL: openAiUrl, apiKey }).responses(model),
  anthropic: () => createAnthropic({ baseURL: openAiUrl, apiKey })(model),
  gemini: () => createGoogleGenerativeAI({ baseURL: `${task.url}/v1beta`, apiKey })(model),
};
const client = new MCPClient({
  id: 'pictures',
  servers: { flux: task.server },
  ...(task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs }),
});
const agent = new Agent({
  id: 'painter',
  name: 'painter',
  instructions: 'Make pictures.',
  model: models[task.dialect](),
  tools: await client.listTools(),
});
await runPrompts(async (prompt) => (await agent.generate(prompt, { maxSteps: 8 })).text);
await client.disconnect();
