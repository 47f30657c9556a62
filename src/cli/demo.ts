/** `demo`: orders a picture from the sandbox as an agent would, shows what the agent sees, and checks the file. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { decodePixels } from '../images/codecs.ts';
import { inspectPicture } from '../images/inspect.ts';
import { VERSION } from '../runtime/packaged.ts';
import type { Arguments } from './command.ts';
import { progressBar } from './progress-bar.ts';
import { NOT_FOR_SANDBOX, settingsOf } from './settings.ts';
import { visible } from './terminal-text.ts';

const PROMPT = 'A lighthouse on a cliff at dawn, soft warm light, wide angle, calm sea, watercolour';
const CALL_TIMEOUT_MS = 120_000;
const ENTRY = { command: 'npx', args: ['-y', 'flux-pro-mcp'], env: { DOITONG_API_KEY: 'your-key' } };
const HOW_TO_ADD = `
To add the server to Claude Desktop (claude_desktop_config.json), Cursor (~/.cursor/mcp.json) or another MCP host:
${JSON.stringify({ mcpServers: { 'flux-pro': ENTRY } }, null, 2)}
To try it there without a key, add "--sandbox" to args and leave env out. Until the package is on npm, use this command instead:`;

export async function run(args: Arguments): Promise<number> {
  await settingsOf(args, NOT_FOR_SANDBOX);
  // Apart from its picture the demo leaves nothing behind.
  const stateDir = await mkdtemp(join(tmpdir(), 'flux-pro-demo-'));
  // The client of the v1 SDK: most hosts in the field still speak like it.
  const client = new Client({ name: 'flux-pro-mcp-demo', version: VERSION });
  try {
    await client.connect(new StdioClientTransport({ ...serverCommand(args, stateDir), stderr: 'inherit' }));
    return await play(client, args, process.stdout);
  } finally {
    await client.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** This very program as a sandbox server; it is given no key, since it needs none. */
export function serverCommand({ flags, env, program }: Arguments, stateDir: string) {
  const passedOn = ['output-dir', 'log-level'].flatMap((name) =>
    flags[name] === undefined ? [] : [`--${name}`, flags[name]],
  );
  const inherited = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || name.startsWith('DOITONG_') ? [] : [[name, value] as const],
  );
  return {
    command: process.execPath,
    args: [program, 'serve', '--sandbox', '--result', 'auto', ...passedOn],
    env: { ...Object.fromEntries(inherited), FLUX_STATE_DIR: stateDir },
  };
}

/** @returns 0 only if the picture is on disk and decodes */
async function play(client: Client, { flags, program }: Arguments, out: NodeJS.WriteStream): Promise<number> {
  const { prompt = PROMPT } = flags;
  const say = (line: string): void => void out.write(`${visible(line)}\n`);
  const { name, version } = client.getServerVersion() ?? {};
  say(`Connected over stdio to ${name} ${version}`);
  const { tools } = await client.listTools();
  say(`Tools: ${tools.map((tool) => tool.name).join(', ')}\n`);
  say(`> generate_image ${JSON.stringify({ prompt, aspect_ratio: '3:2' })}`);
  const bar = progressBar(out);
  const call = { name: 'generate_image', arguments: { prompt, aspect_ratio: '3:2', wait_seconds: 60 } };
  const answer = (await client.callTool(call, undefined, {
    onprogress: ({ progress, message = '' }) => bar.show(progress, message),
    timeout: CALL_TIMEOUT_MS,
  })) as CallToolResult;
  bar.done(answer.isError === true ? 'failed' : 'done');
  say('\nWhat the agent sees:');
  for (const part of answer.content) say(describePart(part));
  if (answer.structuredContent !== undefined) say(`[structured] ${JSON.stringify(answer.structuredContent)}`);
  say('');
  const code = await checkPicture(answer, say);
  if (code === 0) say(`${HOW_TO_ADD}\n"command": "node", "args": [${JSON.stringify(program)}]`);
  return code;
}

function describePart(part: CallToolResult['content'][number]): string {
  if (part.type === 'text') return part.text.replace(/^/gmu, '  ');
  if (part.type === 'image') return `  [image] ${part.mimeType}, ${part.data.length} Base64 characters`;
  return `  [${part.type}] ${part.type === 'resource_link' ? part.uri : ''}`;
}

async function checkPicture(answer: CallToolResult, say: (line: string) => void): Promise<number> {
  const file = answer.structuredContent?.file;
  try {
    if (answer.isError === true || typeof file !== 'string') throw new Error('the answer has no finished picture');
    const bytes = await readFile(file);
    const seen = inspectPicture(bytes);
    const picture = seen?.isWhole ? await decodePixels(bytes, seen.mediaType) : undefined;
    if (picture === undefined) throw new Error(`${file} is not a whole picture`);
    say(`The picture is on disk and decodes: ${picture.width} × ${picture.height} pixels\n${file}`);
    return 0;
  } catch (error) {
    say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
