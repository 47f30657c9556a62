/** Copilot CLI, offline, with a provider of the user's own. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put } from './command-line.ts';

export const copilotCli: CommandLine = async ({ stage, task, prompt }) => {
  const file = join(stage.home, 'servers.json');
  await put(file, JSON.stringify({ mcpServers: { flux: { type: 'local', tools: ['*'], ...stage.server } } }));
  const isAnthropic = task.dialect === 'anthropic';
  const bin = binOf(`@github/copilot-${process.platform}-${process.arch}/copilot`);
  return {
    command: [bin, '-p', prompt, '--allow-all-tools', '--no-color', '--additional-mcp-config', `@${file}`],
    env: {
      COPILOT_OFFLINE: 'true',
      COPILOT_AUTO_UPDATE: 'false',
      COPILOT_PROVIDER_BASE_URL: isAnthropic ? task.url : `${task.url}/v1`,
      COPILOT_PROVIDER_TYPE: isAnthropic ? 'anthropic' : 'openai',
      COPILOT_PROVIDER_WIRE_API: task.dialect === 'responses' ? 'responses' : 'completions',
      COPILOT_PROVIDER_API_KEY: KEY,
      COPILOT_MODEL: isAnthropic ? 'claude-sonnet-4.5' : 'gpt-4.1',
    },
  };
};
