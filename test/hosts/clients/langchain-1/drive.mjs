import { ChatAnthropic } from '@langchain/anthropic';
import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { ChatOpenAI } from '@langchain/openai';
import { createAgent } from 'langchain';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const models = {
  chat: () => new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: openAiUrl } }),
  responses: () =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, useResponsesApi: true, configuration: { baseURL: openAiUrl } }),
  anthropic: () => new ChatAnthropic({ model, apiKey, maxRetries: 0, anthropicApiUrl: task.url }),
  gemini: () => new ChatGoogleGenerativeAI({ model, apiKey, maxRetries: 0, baseUrl: task.url }),
};
const client = new MultiServerMCPClient({
  mcpServers: { flux: { transport: 'stdio', ...task.server } },
  ...(task.timeoutMs === undefined ? {} : { defaultToolTimeout: task.timeoutMs }),
});
const tools = await client.getTools();
const agent = createAgent({ model: models[task.dialect](), tools });
await runPrompts(async (prompt) => {
  const { messages } = await agent.invoke({ messages: [{ role: 'user', content: prompt }] });
  return messages.at(-1)?.text;
});
await client.close();
