import { googleAI } from '@genkit-ai/google-genai';
import { createMcpHost } from '@genkit-ai/mcp';
import { genkit } from 'genkit';
import { apiKey, model, runPrompts, task } from '../task.mjs';

const ai = genkit({ plugins: [googleAI({ apiKey, baseUrl: task.url })] });
const host = createMcpHost({ name: 'pictures', mcpServers: { flux: task.server } });
const tools = await host.getActiveTools(ai);
await runPrompts(async (prompt) => {
  const { text } = await ai.generate({ model: googleAI.model(model), prompt, tools, maxTurns: 8 });
  return text;
});
await host.close();
