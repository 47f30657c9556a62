/** The demo once more with the v2 client on protocol 2026-07-28: `npm run demo:2026`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { serverCommand } from '../src/cli/demo.ts';
import { DEMO_PROMPT, type DemoAnswer, playStory } from '../src/cli/demo-story.ts';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const { FLUX_OUTPUT_DIR } = process.env;
const stateDir = await mkdtemp(join(tmpdir(), 'flux-pro-demo-'));
const server = serverCommand({ words: [], flags: {}, env: process.env, program }, FLUX_OUTPUT_DIR, stateDir);
const client = new Client(
  { name: 'flux-pro-mcp-demo', version: '2026' },
  { versionNegotiation: { mode: { pin: '2026-07-28' } } },
);
await client.connect(new StdioClientTransport({ ...server, stderr: 'inherit' }));
try {
  process.exitCode = await playStory(
    {
      speaks: `@modelcontextprotocol/client 2.x, protocol ${client.getNegotiatedProtocolVersion()}`,
      listTools: async () => (await client.listTools()).tools.map((tool) => tool.name),
      callTool: async (name, args, onProgress) =>
        (await client.callTool({ name, arguments: args }, { onprogress: onProgress, timeout: 120_000 })) as DemoAnswer,
      close: () => client.close(),
    },
    DEMO_PROMPT,
    process.stdout,
  );
} finally {
  await client.close();
  await rm(stateDir, { recursive: true, force: true });
}
