import Anthropic from '@anthropic-ai/sdk';
import { mcpTools } from '@anthropic-ai/sdk/helpers/beta/mcp';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { apiKey, model, runPrompts, task } from '../task.mjs';

const client = new Client({ name: 'my-app', version: '1.0.0' });
if (task.timeoutMs !== undefined) {
  const callTool = client.callTool.bind(client);
  client.callTool = (params, schema, options) => callTool(params, schema, { ...options, timeout: task.timeoutMs });
}
await client.connect(new StdioClientTransport(task.server));
const { tools } = await client.listTools();
const anthropic = new Anthropic({ apiKey, baseURL: task.url, maxRetries: 0 });
await runPrompts(async (prompt) => {
  const message = await anthropic.beta.messages.toolRunner({
    model,
    max_tokens: 1024,
    max_iterations: 8,
    messages: [{ role: 'user', content: prompt }],
    tools: mcpTools(tools, client),
  });
  return message.content.map(({ text }) => text ?? '').join('');
});
await client.close();
