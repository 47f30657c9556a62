/** The main job with the packed program on both sides: order at its sandbox, see the picture, count the charges. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxState } from '../../sandbox/sandbox.ts';
import { TOOLS } from '../../src/mcp/catalogue.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';
import { printedIn } from '../support/scripted-service.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const TOOL_NAMES = TOOLS.map(({ name }) => name);

type Service = { program: RunningProgram; url: string; key: string };

/** The packed `sandbox` command, once its first line is there. */
async function startService(): Promise<Service> {
  const program = await packed.start(['sandbox', '--port', '0', '--job-seconds', '1']);
  while (!program.stdout().includes('\n')) {
    await new Promise((resolve, reject) => {
      program.child.stdout.once('data', resolve);
      program.child.once('close', () => reject(new Error(`the sandbox ended: ${program.stderr()}`)));
    });
  }
  return { program, ...(JSON.parse(program.stdout()) as { url: string; key: string }) };
}

async function stateOf({ url, key }: Service): Promise<SandboxState> {
  return (await (await fetch(`${url}/sandbox/state`, { headers: { 'x-api-key': key } })).json()) as SandboxState;
}

async function stop({ program }: Service): Promise<void> {
  const asked = performance.now();
  program.child.kill('SIGTERM');
  const { code, signal, at } = await program.exit;
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(at - asked).toBeLessThan(2_000);
  expect(program.stderr()).toBe('');
}

/** The file that the text names, decoded. */
async function pictureIn(result: unknown): Promise<{ file: string; width: number; height: number }> {
  const text = textOf(result);
  expect(result, text).not.toMatchObject({ isError: true });
  const [, file = ''] = /^File: (.+)$/m.exec(text) ?? [];
  const { width, height } = await decodeJpeg(await readFile(file));
  return { file, width, height };
}

const ORDER = { prompt: 'Two herons over a marsh', width: 512, height: 256 };

describe.concurrent('the sandbox command', () => {
  it('tells url and key in its first line, and serves a served program that is charged once', async () => {
    const service = await startService();
    expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(service.key.length).toBeGreaterThanOrEqual(8);
    const home = await packed.newHome();
    const output = join(home.folder, 'pictures');
    const env = { DOITONG_API_URL: service.url, DOITONG_API_KEY: service.key, FLUX_OUTPUT_DIR: output };
    const program = await packed.start(['serve'], { home, env });
    const host = new RawHost(program);
    await host.handshake();
    const picture = await pictureIn(await host.call('generate_image', ORDER));
    expect(picture).toMatchObject({ width: 512, height: 256 });
    expect(picture.file.startsWith(output)).toBe(true);

    const state = await stateOf(service);
    expect(state.charges).toHaveLength(1);
    expect(state.submissions).toBe(1);
    expect(state.jobs).toMatchObject([{ status: 'completed', prompt: ORDER.prompt, width: 512, height: 256 }]);

    program.child.stdin.end();
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(printedIn(program.stderr())).toEqual([]);
    expect(program.stdout()).not.toContain(service.key);
    await stop(service);
    expect(service.program.stdout().split('\n')).toHaveLength(2);
  });

  it.each(['SIGINT', 'SIGHUP'] as const)('ends by %s', async (signal) => {
    const { program } = await startService();
    program.child.kill(signal);
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    expect(program.stderr()).toBe('');
  });
});

describe.concurrent('the demo command', () => {
  const SAVED = /^The picture is on disk and decodes: (.+)\n(.+)$/m;

  it('prints the path of a picture that decodes, and no key of the user', async () => {
    const env = { DOITONG_API_KEY: 'a-key-for-nobody', DOITONG_API_URL: 'http://127.0.0.1:9' };
    const program = await packed.start(['demo'], { env });
    program.child.stdin.end();
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    const [, size, file = 'no file'] = SAVED.exec(program.stdout()) ?? [];
    expect(file.startsWith(program.home.folder)).toBe(true);
    const { width, height } = await decodeJpeg(await readFile(file));
    expect(size).toBe(`${width} × ${height} pixels`);
    expect(program.stdout()).toMatch(
      /Tools: generate_image, generate_images, get_job_status, list_jobs, check_rate_limits/,
    );
    expect(program.stdout()).toMatch(/\[█+░+\] +\d+ %/);
    expect(program.stdout()).toMatch(/sandbox/i);
    expect(program.stderr()).toBe('');
  });

  it('takes its folder and its prompt from flags', async () => {
    const home = await packed.newHome();
    const output = join(home.folder, 'elsewhere');
    const program = await packed.start(['demo', '--prompt', 'A red kite', '--output-dir', output], { home });
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(program.stdout()).toContain('A red kite');
    expect(SAVED.exec(program.stdout())?.[2]?.startsWith(output)).toBe(true);
  });

  it('ends with how to add the server to a host, as JSON that can be pasted, and with its own path', async () => {
    const program = await packed.start(['demo']);
    expect(await program.exit).toMatchObject({ code: 0 });
    const [, , entry = '', rest] = program
      .stdout()
      .split(/^(?=To add the server|To try it there|\{$)/m)
      .slice(-4);
    expect(JSON.parse(entry)).toEqual({
      mcpServers: {
        'flux-pro': { command: 'npx', args: ['-y', 'flux-pro-mcp'], env: { DOITONG_API_KEY: 'your-key' } },
      },
    });
    expect(rest).toMatch(/^To try it there without a key, add "--sandbox" to args and leave env out\. Until .+:\n/);
    expect(rest?.endsWith(`\n"command": "node", "args": [${JSON.stringify(packed.main)}]\n`)).toBe(true);
  });
});

/** The service's address in place of `--sandbox`: its jobs take a second instead of four. */
async function serverFor(service: Service) {
  const home = await packed.newHome();
  const env = { ...home.env, DOITONG_API_URL: service.url, DOITONG_API_KEY: service.key };
  return { command: process.execPath, args: [packed.main, 'serve'], env, cwd: home.cwd };
}

const CALL = { name: 'generate_image', arguments: ORDER };

describe.concurrent('real clients over stdio', () => {
  it('a v1 client with the old handshake gets its picture', async () => {
    const service = await startService();
    const client = new V1Client({ name: 'old-host', version: '1.0.0' });
    await client.connect(new V1Transport(await serverFor(service)));
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(TOOL_NAMES);
    const steps: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress);
    const picture = await pictureIn(await client.callTool(CALL, undefined, { onprogress }));
    expect(picture).toMatchObject({ width: 512, height: 256 });
    expect(steps.length).toBeGreaterThan(0);
    await client.close();
    expect((await stateOf(service)).charges).toHaveLength(1);
    await stop(service);
  });

  it('a v2 client finds protocol 2026-07-28 by itself and gets its picture', async () => {
    const service = await startService();
    const client = new ModernClient({ name: 'new-host', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new ModernTransport(await serverFor(service)));
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(TOOL_NAMES);
    const steps: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress);
    const picture = await pictureIn(await client.callTool(CALL, { onprogress }));
    expect(picture).toMatchObject({ width: 512, height: 256 });
    expect(steps.length).toBeGreaterThan(0);
    await client.close();
    expect((await stateOf(service)).charges).toHaveLength(1);
    await stop(service);
  });

  it('a host that looks for 2026-07-28 and then shakes hands on the same connection is served', async () => {
    const program = await packed.start([]);
    const host = new RawHost(program);
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'claude-code', version: '2.0.0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    expect((await host.ask('server/discover', { _meta: envelope })).error).toBeUndefined();
    expect((await host.handshake()).result).toMatchObject({ protocolVersion: '2025-06-18' });
    expect(await host.toolNames()).toEqual(TOOL_NAMES);
    program.child.stdin.end();
    expect(await program.exit).toMatchObject({ code: 0 });
  });

  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'a host of protocol %s is answered in it',
    async (version) => {
      const program = await packed.start([]);
      const host = new RawHost(program);
      expect((await host.handshake(version)).result).toMatchObject({ protocolVersion: version });
      expect(await host.toolNames()).toEqual(TOOL_NAMES);
      program.child.stdin.end();
      expect(await program.exit).toMatchObject({ code: 0 });
    },
  );
});
