import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Agent, McpClient } from '@strands-agents/sdk';
import { AnthropicModel } from '@strands-agents/sdk/models/anthropic';
import { GoogleModel } from '@strands-agents/sdk/models/google';
import { OpenAIModel } from '@strands-agents/sdk/models/openai';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

const clientConfig = { baseURL: openAiUrl };
const models = {
  chat: () => new OpenAIModel({ api: 'chat', modelId: model, apiKey, clientConfig }),
  responses: () => new OpenAIModel({ modelId: model, apiKey, clientConfig }),
  anthropic: () => new AnthropicModel({ modelId: model, apiKey, clientConfig: { baseURL: task.url } }),
  gemini: () => new GoogleModel({ modelId: model, apiKey, clientConfig: { httpOptions: { baseUrl: task.url } } }),
};
const client = new McpClient({ transport: new StdioClientTransport(task.server) });
const agent = new Agent({ model: models[task.dialect](), tools: [client], printer: false });
await runPrompts(async (prompt) => {
  // The client has no time-out of its own.
  const cut = task.timeoutMs === undefined ? {} : { cancelSignal: AbortSignal.timeout(task.timeoutMs) };
  const result = await agent.invoke(prompt, cut);
  return result.toString();
});
await client.disconnect();
