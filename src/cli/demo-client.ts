/** The demo's MCP client: the v1 SDK, which most hosts in the field still speak like. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { VERSION } from '../runtime/version.ts';
import type { DemoAnswer, DemoClient } from './demo-story.ts';

export type ServerCommand = { command: string; args: string[]; env: Record<string, string> };

const CALL_TIMEOUT_MS = 120_000;

/** Starts the server as a child process and shakes hands with it. */
export async function connectDemoClient(server: ServerCommand): Promise<DemoClient> {
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
