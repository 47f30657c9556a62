import { OpenAI, OpenAIResponses } from '@llamaindex/openai';
import { mcp } from '@llamaindex/tools';
import { agent } from '@llamaindex/workflow';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const models = {
  chat: () => new OpenAI({ model, apiKey, baseURL: openAiUrl, maxRetries: 0 }),
  responses: () => new OpenAIResponses({ model, apiKey, baseURL: openAiUrl, maxRetries: 0 }),
};
const client = mcp(task.server);
const painter = agent({ llm: models[task.dialect](), tools: await client.tools() });
await runPrompts(async (prompt) => (await painter.run(prompt)).data.result);
await client.cleanup();
