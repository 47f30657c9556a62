import { Gemini, InMemoryRunner, LlmAgent, MCPToolset } from '@google/adk';
import { apiKey, model, runPrompts, task } from '../task.mjs';

// The one way to another address than Google's.
process.env.GOOGLE_GEMINI_BASE_URL = task.url;
const toolset = new MCPToolset({
  type: 'StdioConnectionParams',
  serverParams: task.server,
  ...(task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs }),
});
const agent = new LlmAgent({
  name: 'painter',
  model: new Gemini({ model, apiKey }),
  instruction: 'Make pictures.',
  tools: [toolset],
});
const runner = new InMemoryRunner({ agent, appName: 'painter' });
await runPrompts(async (prompt) => {
  const session = await runner.sessionService.createSession({ appName: 'painter', userId: 'user' });
  let text = '';
  const newMessage = { role: 'user', parts: [{ text: prompt }] };
  for await (const event of runner.runAsync({ userId: 'user', sessionId: session.id, newMessage })) {
    if (event.errorMessage) throw new Error(event.errorMessage);
    text = event.content?.parts?.map((part) => part.text ?? '').join('') || text;
  }
  return text;
});
await toolset.close();
