/** Cline CLI, with an OpenAI-compatible provider. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put } from './command-line.ts';

export const clineCli: CommandLine = async ({ stage, task, prompt }) => {
  const settings = join(stage.home, '.cline/data/settings');
  const provider = 'openai-compatible';
  await put(
    join(settings, 'providers.json'),
    JSON.stringify({
      version: 1,
      lastUsedProvider: provider,
      modes: {},
      providers: {
        [provider]: {
          settings: { provider, apiKey: KEY, model: 'gpt-4.1', baseUrl: `${task.url}/v1` },
          updatedAt: '2026-11-01T00:00:00.000Z',
          tokenSource: 'manual',
        },
      },
    }),
  );
  // In seconds.
  const timeout = task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs / 1_000 };
  const server = { ...stage.server, disabled: false, autoApprove: ['*'], ...timeout };
  await put(join(settings, 'cline_mcp_settings.json'), JSON.stringify({ mcpServers: { flux: server } }));
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  return {
    command: [
      binOf(`@cline/cli-${os}-${process.arch}/bin/cline`),
      '--provider',
      provider,
      '--model',
      'gpt-4.1',
      prompt,
    ],
    env: {},
  };
};
