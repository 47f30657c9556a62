/** Kimi Code, with a provider of the user's own. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put, toml } from './command-line.ts';

const TYPES = { chat: 'openai', responses: 'openai_responses', anthropic: 'anthropic', gemini: 'google-genai' };

export const kimiCode: CommandLine = async ({ stage, task, prompt, node }) => {
  const home = join(stage.home, '.kimi-code');
  const isOpenAi = task.dialect === 'chat' || task.dialect === 'responses';
  await put(
    join(home, 'config.toml'),
    [
      'default_model = "fake"',
      'telemetry = false',
      '[providers.fake]',
      `type = ${toml(TYPES[task.dialect])}`,
      `base_url = ${toml(isOpenAi ? `${task.url}/v1` : task.url)}`,
      `api_key = ${toml(KEY)}`,
      '[models.fake]',
      'provider = "fake"',
      'model = "gpt-4.1"',
      'max_context_size = 200000',
      'capabilities = ["image_in", "tool_use"]',
    ].join('\n'),
  );
  const timeout = task.timeoutMs === undefined ? {} : { toolTimeoutMs: task.timeoutMs };
  await put(join(home, 'mcp.json'), JSON.stringify({ mcpServers: { flux: { ...stage.server, ...timeout } } }));
  return {
    command: [node, binOf('@moonshot-ai/kimi-code/dist/main.mjs'), '--prompt', prompt],
    env: { KIMI_CODE_HOME: home, KIMI_CODE_NO_AUTO_UPDATE: '1' },
  };
};
