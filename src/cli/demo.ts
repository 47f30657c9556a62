/** `demo`: the main job from end to end, against the sandbox, as an agent would live it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { VERSION } from '../runtime/version.ts';
import type { Arguments } from './command.ts';
import { DEMO_PROMPT, type DemoAnswer, type DemoClient, playStory } from './demo-story.ts';
import { NOT_FOR_SANDBOX, settingsOf } from './settings.ts';

export async function run(args: Arguments): Promise<number> {
  const config = await settingsOf(args, NOT_FOR_SANDBOX);
  // Apart from its picture the demo leaves nothing behind.
  const stateDir = await mkdtemp(join(tmpdir(), 'flux-pro-demo-'));
  try {
    const client = await connectDemoClient(serverCommand(args, config.outputDir, stateDir));
    try {
      return await playStory(client, args.flags.prompt ?? DEMO_PROMPT, process.stdout);
    } finally {
      await client.close();
    }
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

type ServerCommand = { command: string; args: string[]; env: Record<string, string> };

/** This very program as a sandbox server; it is given no key, since it needs none. */
export function serverCommand(args: Arguments, outputDir: string | undefined, stateDir: string): ServerCommand {
  const flags = [
    'serve',
    '--sandbox',
    '--result',
    'auto',
    ...(outputDir === undefined ? [] : ['--output-dir', outputDir]),
    ...(args.flags['log-level'] === undefined ? [] : ['--log-level', args.flags['log-level']]),
  ];
  const inherited = Object.entries(args.env).filter(([name]) => !name.startsWith('DOITONG_'));
  const env = Object.fromEntries(inherited.filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { command: process.execPath, args: [args.program, ...flags], env: { ...env, FLUX_STATE_DIR: stateDir } };
}

const CALL_TIMEOUT_MS = 120_000;

/** Starts the server as a child process. The client is of the v1 SDK, which most hosts in the field still speak like. */
async function connectDemoClient(server: ServerCommand): Promise<DemoClient> {
  const client = new Client({ name: 'flux-pro-mcp-demo', version: VERSION });
  let protocolVersion = 'unknown';
  const transport = new StdioClientTransport({ ...server, stderr: 'inherit' });
  Object.assign(transport, {
    setProtocolVersion: (version: string) => {
      protocolVersion = version;
    },
  });
  await client.connect(transport);
  return {
    speaks: `@modelcontextprotocol/sdk 1.x client, protocol ${protocolVersion}`,
    listTools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    callTool: async (name, args, onProgress) =>
      (await client.callTool({ name, arguments: args }, undefined, {
        onprogress: onProgress,
        timeout: CALL_TIMEOUT_MS,
      })) as DemoAnswer,
    close: () => client.close(),
  };
}
