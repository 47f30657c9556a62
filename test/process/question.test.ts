/** The packed program puts a dear call to the user, through clients of both SDK lines and of both protocol eras. */
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const INFO = { name: 'question-test', version: '1.0.0' };
const CAPABILITIES = { elicitation: {} };
const CALL = { name: 'generate_image', arguments: { prompt: 'a dear heron', width: 256, height: 256 } };
const YES = { action: 'accept' as const, content: { confirm: true } };

async function command(): Promise<{ command: string; args: string[]; env: Record<string, string>; cwd: string }> {
  const home = await packed.newHome();
  return {
    command: process.execPath,
    args: [packed.main, 'serve', '--sandbox', '--confirm-above-credits', '5'],
    env: { ...home.env, FLUX_OUTPUT_DIR: `${home.folder}/pictures` },
    cwd: home.cwd,
  };
}

describe.concurrent('a call above the threshold', () => {
  it('asks through a client of the 1.x line', async () => {
    const questions: string[] = [];
    const client = new V1Client(INFO, { capabilities: CAPABILITIES });
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      questions.push(params.message);
      return YES;
    });
    await client.connect(new V1Transport(await command()));
    expect(textOf(await client.callTool(CALL))).toContain('The picture is finished and saved.');
    expect(questions).toHaveLength(1);
    await client.close();
  });

  it.each([
    ['the old handshake', 'legacy' as const],
    ['2026-07-28', { pin: '2026-07-28' } as const],
  ])('asks through a client of the 2.x line with %s', async (_, mode) => {
    const questions: string[] = [];
    const client = new ModernClient(INFO, { versionNegotiation: { mode }, capabilities: CAPABILITIES });
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      questions.push(params.message);
      return YES;
    });
    await client.connect(new ModernTransport(await command()));
    expect(textOf(await client.callTool(CALL))).toContain('The picture is finished and saved.');
    expect(questions).toHaveLength(1);
    await client.close();
  });
});
