/** Codex CLI: where its model and its MCP servers are configured. */
import { join } from 'node:path';
import { binOf, type CommandLine, KEY, put, toml } from './command-line.ts';

export const codex: CommandLine = async ({ stage, task, prompt, node }) => {
  const home = join(stage.home, '.codex');
  const { command, args, env } = stage.server;
  await put(
    join(home, 'config.toml'),
    [
      'model = "gpt-5.4"',
      'model_provider = "fake"',
      'check_for_update_on_startup = false',
      '[analytics]',
      'enabled = false',
      '[model_providers.fake]',
      'name = "fake"',
      `base_url = ${toml(`${task.url}/v1`)}`,
      'wire_api = "responses"',
      'env_key = "FAKE_KEY"',
      '[mcp_servers.flux]',
      `command = ${toml(command)}`,
      `args = ${toml(args)}`,
      ...(task.timeoutMs === undefined ? [] : [`tool_timeout_sec = ${task.timeoutMs / 1_000}`]),
      '[mcp_servers.flux.env]',
      ...Object.entries(env).map(([name, value]) => `${name} = ${toml(value)}`),
    ].join('\n'),
  );
  const bin = binOf('@openai/codex/bin/codex.js');
  return {
    command: [node, bin, 'exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', prompt],
    env: { CODEX_HOME: home, FAKE_KEY: KEY },
  };
};
