import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { Agent, MCPConfiguration } from '@voltagent/core';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const models = {
  chat: () => createOpenAI({ baseURL: openAiUrl, apiKey }).chat(model),
  responses: () => createOpenAI({ baseURL: openAiUrl, apiKey }).responses(model),
  anthropic: () => createAnthropic({ baseURL: openAiUrl, apiKey })(model),
};
const configuration = new MCPConfiguration({
  servers: {
    flux: { type: 'stdio', ...task.server, ...(task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs }) },
  },
});
const tools = await configuration.getTools();
const agent = new Agent({ name: 'painter', instructions: 'Make pictures.', model: models[task.dialect](), tools });
await runPrompts(async (prompt) => (await agent.generateText(prompt, { maxSteps: 8 })).text);
await configuration.disconnect();
// Timers of its own keep the process alive, as they would a server that it is meant for.
process.exit(0);
