import { Agent, MCPServerStdio, OpenAIProvider, Runner, setTracingDisabled } from '@openai/agents';
import { apiKey, model, openAiUrl, runPrompts, task } from '../task.mjs';

setTracingDisabled(true);
const server = new MCPServerStdio({
  name: 'pictures',
  ...task.server,
  ...(task.timeoutMs === undefined
    ? {}
    : { timeout: task.timeoutMs, clientSessionTimeoutSeconds: task.timeoutMs / 1000 }),
});
await server.connect();
const modelProvider = new OpenAIProvider({ apiKey, baseURL: openAiUrl, useResponses: task.dialect === 'responses' });
const runner = new Runner({ modelProvider, tracingDisabled: true });
const agent = new Agent({ name: 'painter', instructions: 'Make pictures.', model, mcpServers: [server] });
await runPrompts(async (prompt) => (await runner.run(agent, prompt)).finalOutput);
await server.close();
