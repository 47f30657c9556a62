/** opencode: where its model and its MCP servers are configured. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put } from './command-line.ts';

export const opencode: CommandLine = async ({ stage, task, prompt }) => {
  const { command, args, env } = stage.server;
  await put(
    join(stage.cwd, 'opencode.json'),
    JSON.stringify({
      autoupdate: false,
      share: 'disabled',
      permission: 'allow',
      provider: {
        fake: {
          npm: '@ai-sdk/openai-compatible',
          options: { baseURL: `${task.url}/v1`, apiKey: KEY },
          models: {
            'gpt-4.1': {
              tool_call: true,
              attachment: true,
              modalities: { input: ['text', 'image'], output: ['text'] },
              limit: { context: 1_000_000, output: 32_000 },
            },
          },
        },
      },
      mcp: {
        flux: {
          type: 'local',
          command: [command, ...args],
          environment: env,
        },
      },
    }),
  );
  const bin = binOf(
    `opencode-${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}/bin/opencode`,
  );
  return {
    command: [bin, 'run', '--model', 'fake/gpt-4.1', prompt],
    env: {
      XDG_CONFIG_HOME: join(stage.home, '.config'),
      XDG_DATA_HOME: join(stage.home, '.local/share'),
      XDG_CACHE_HOME: join(stage.home, '.cache'),
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    },
  };
};
