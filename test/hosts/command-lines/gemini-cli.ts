/** Gemini CLI: where its model and its MCP servers are configured. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put } from './command-line.ts';

export const geminiCli: CommandLine = async ({ stage, task, prompt, node }) => {
  await put(
    join(stage.home, '.gemini/settings.json'),
    JSON.stringify({
      security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      general: { enableAutoUpdate: false },
      mcpServers: {
        flux: { ...stage.server, trust: true, ...(task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs }) },
      },
    }),
  );
  const bin = binOf('@google/gemini-cli/bundle/gemini.js');
  return {
    command: [node, bin, '--yolo', '--skip-trust', '--model', 'gemini-2.5-flash', '--prompt', prompt],
    env: { GEMINI_API_KEY: KEY, GOOGLE_GEMINI_BASE_URL: task.url },
  };
};
