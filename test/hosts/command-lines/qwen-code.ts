/** Qwen Code, with an OpenAI-compatible model. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put } from './command-line.ts';

export const qwenCode: CommandLine = async ({ stage, task, prompt, node }) => {
  const timeout = task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs };
  await put(
    join(stage.home, '.qwen/settings.json'),
    JSON.stringify({
      security: { auth: { selectedType: 'openai' }, folderTrust: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      general: { enableAutoUpdate: false },
      mcpServers: { flux: { ...stage.server, trust: true, alwaysLoadTools: true, ...timeout } },
    }),
  );
  return {
    command: [node, binOf('@qwen-code/qwen-code/cli-entry.js'), '--yolo', '--model', 'gpt-4.1', prompt],
    env: {
      QWEN_CODE_LEGACY_MCP_BLOCKING: '1',
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: `${task.url}/v1`,
      OPENAI_MODEL: 'gpt-4.1',
    },
  };
};
