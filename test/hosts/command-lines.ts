/** How the command-line hosts are configured for the fake model and for the server under test. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DialectName } from './fake-model/conversation.ts';
import type { Stage } from './stage.ts';

/** What a client has to know: where the model is, how long it waits for a tool, and what the user says. */
export type Task = { dialect: DialectName; url: string; prompts: string[]; timeoutMs?: number };

type Question = { folder: string; stage: Stage; task: Task; prompt: string; node: string };
type Launch = { command: string[]; env: Record<string, string> };

const KEY = 'no-key-is-needed-here';

async function put(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** A package's file, in the client's own folder or in the common one. */
const binOf = (path: string): string => join(import.meta.dirname, 'node_modules', path);

const toml = (value: unknown): string => JSON.stringify(value);

export const COMMAND_LINES: Readonly<Record<string, (question: Question) => Promise<Launch>>> = {
  codex: async ({ stage, task, prompt, node }) => {
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
  },
  'gemini-cli': async ({ stage, task, prompt, node }) => {
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
  },
  opencode: async ({ stage, task, prompt }) => {
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
            ...(task.timeoutMs === undefined ? {} : { timeout: task.timeoutMs }),
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
  },
};
