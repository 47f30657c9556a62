/** Continue CLI, with a local configuration file. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put } from './command-line.ts';

export const continueCli: CommandLine = async ({ stage, task, prompt, node }) => {
  const file = join(stage.home, 'config.yaml');
  const model = { name: 'fake', provider: 'openai', model: 'gpt-4.1', apiBase: `${task.url}/v1`, apiKey: KEY };
  // JSON is YAML.
  await put(
    file,
    JSON.stringify({
      name: 'pictures',
      version: '1.0.0',
      schema: 'v1',
      models: [{ ...model, roles: ['chat'], capabilities: ['tool_use', 'image_input'] }],
      mcpServers: [{ name: 'flux', type: 'stdio', ...stage.server }],
    }),
  );
  return {
    command: [node, binOf('@continuedev/cli/dist/cn.js'), '-p', prompt, '--auto', '--config', file],
    env: { CONTINUE_GLOBAL_DIR: join(stage.home, '.continue'), CONTINUE_CLI_DISABLE_COMMIT_SIGNATURE: '1' },
  };
};
