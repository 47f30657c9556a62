import { ChatAnthropic } from '@langchain/anthropic';
import { ChatOpenAI } from '@langchain/openai';
import { MCPAgent, MCPClient } from 'mcp-use';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const models = {
  chat: () => new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: openAiUrl } }),
  responses: () =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, useResponsesApi: true, configuration: { baseURL: openAiUrl } }),
  anthropic: () => new ChatAnthropic({ model, apiKey, maxRetries: 0, anthropicApiUrl: task.url }),
};
const client = MCPClient.fromDict({ mcpServers: { flux: task.server } });
const agent = new MCPAgent({ llm: models[task.dialect](), client, maxSteps: 8 });
await runPrompts((prompt) => agent.run({ prompt }));
await client.closeAllSessions();
