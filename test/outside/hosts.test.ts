/** What hosts and agent frameworks receive, told by their names alone: the built server, raw clients, both eras. */
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { jpegOf } from '../support/pictures.ts';
import { RawHost, textOf } from '../support/raw-host.ts';
import { startScriptedService } from '../support/scripted-service.ts';

const packed = await unpackPackage();
const picture = await jpegOf(1_024, 1_024, { grain: 0.2 });
const service = await startScriptedService({ picture: () => ({ body: picture }) });
afterAll(async () => {
  await packed.close();
  await service.close();
});

type Result = {
  content: { type: string; text?: string; data?: string }[];
  structuredContent?: Record<string, unknown>;
  _meta?: Record<string, unknown>;
  isError?: boolean;
};

const TEXT = 'text';
const IMAGE = 'image';
const LINK = 'resource_link';
const DATA = 'structured';
const typesIn = ({ content, structuredContent }: Result): string[] => [
  ...content.map(({ type }) => type),
  ...(structuredContent === undefined ? [] : [DATA]),
];
const charactersIn = (result: Result): number => JSON.stringify(result).length;
const picturesIn = ({ content }: Result): number => content.filter(({ type }) => type === IMAGE).length;

const ORDER = { prompt: 'A kite over dunes', width: 1_024, height: 1_024, wait_seconds: 60 };

/** A client of the era in which every request says who sends it. */
const modernCall = (clientName: unknown, name: string, args: Record<string, unknown>, viewer = false) => ({
  name,
  arguments: args,
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: clientName, version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': viewer
      ? { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } } }
      : {},
  },
});

async function legacyHost(
  clientName: string,
  options: { protocol?: string; args?: string[]; env?: Record<string, string> } = {},
): Promise<{ host: RawHost; stderr: () => string }> {
  const { protocol = '2025-06-18', args = [], env = service.env } = options;
  const program = await packed.start(args, { env });
  const host = new RawHost(program);
  const clientInfo = { name: clientName, version: '1.0.0' };
  await host.ask('initialize', { protocolVersion: protocol, capabilities: {}, clientInfo });
  host.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return { host, stderr: () => program.stderr() };
}

/** Parts and the largest result with one picture, in serialized characters. */
const HOSTS: [clientName: string, deps: string[], max: number][] = [
  ['claude-ai', [TEXT, IMAGE, DATA], 900_000],
  ['claude-code', [TEXT, IMAGE], 36_000],
  ['codex-mcp-client', [TEXT, IMAGE], 900_000],
  ['Visual Studio Code', [TEXT, IMAGE, LINK], 900_000],
  ['cursor-vscode', [TEXT, IMAGE, LINK], 900_000],
  ['copilot-cli', [TEXT], 16_000],
  ['github-copilot-developer', [TEXT], 16_000],
  ['gemini-cli-mcp-client', [TEXT, IMAGE], 900_000],
  ['opencode', [TEXT, IMAGE], 900_000],
  ['qwen-cli-mcp-client-flux', [TEXT, IMAGE], 900_000],
  ['strands-agents-ts-sdk', [TEXT, IMAGE], 900_000],
  ['pi-mcp-adapter', [TEXT, IMAGE], 900_000],
  ['kimi-code', [TEXT, IMAGE], 900_000],
  ['goose', [TEXT, IMAGE], 900_000],
  ['Cline', [TEXT], 8_000],
  ['@cline/core', [TEXT], 8_000],
  ['ai-sdk-mcp-client', [TEXT, IMAGE], 16_000],
  ['@langchain/mcp-adapters', [TEXT], 16_000],
  ['langchain-mcp-adapter', [TEXT], 16_000],
  ['mcp-use', [TEXT], 16_000],
  ['mcp-client-cli', [TEXT], 16_000],
  ['continue-cli-client', [TEXT], 16_000],
  ['MCPClient', [TEXT, IMAGE, DATA], 16_000],
  ["the user's own label", [TEXT, IMAGE, DATA], 16_000],
  ['copilotkit', [TEXT, IMAGE, DATA], 16_000],
];

const HOSTILE_NAMES = ['', 'claude-ai\u0000', 'vscode\u001b[2J', 'cursor\nvscode', 'claude-ai'.padEnd(10_000, ' x')];

describe('a picture', async () => {
  const program = await packed.start([], { env: service.env });
  const host = new RawHost(program);
  const ask = async (clientName: unknown, name: string, args: Record<string, unknown>, viewer = false) => {
    const { result, error } = await host.ask('tools/call', modernCall(clientName, name, args, viewer));
    if (result === undefined) throw new Error(error?.message);
    return result as unknown as Result;
  };
  const ordered = await ask('claude-ai', 'generate_image', ORDER);
  const id = String(ordered.structuredContent?.job_id);

  it.each(HOSTS)('reaches %s as %j, within %i characters', async (clientName, deps, max) => {
    for (const hasViewer of [false, true]) {
      const result = await ask(clientName, 'get_job_status', { job_id: id }, hasViewer);
      expect(typesIn(result)).toEqual(deps);
      expect(charactersIn(result)).toBeLessThanOrEqual(max);
      for (const fact of [/File: .+\.jpg/, /1024 × 1024/, new RegExp(id), /Next: /])
        expect(textOf(result)).toMatch(fact);
      // Base64 stands in pictures alone.
      expect(textOf(result)).not.toMatch(/[A-Za-z0-9+/]{200}/);
    }
  });

  it('reaches a client with an empty or hostile name as an unknown host', async () => {
    for (const clientName of HOSTILE_NAMES) {
      const result = await ask(clientName, 'get_job_status', { job_id: id });
      expect(typesIn(result)).toEqual([TEXT, IMAGE, DATA]);
      expect(charactersIn(result)).toBeLessThanOrEqual(16_000);
    }
  });

  it('reaches a client without a name as an unknown host', async () => {
    const result = await ask(undefined, 'get_job_status', { job_id: id }).catch(() => undefined);
    // The protocol may refuse such a request; what it answers is harmless.
    if (result !== undefined) expect(typesIn(result)).not.toContain(LINK);
  });

  it('with a prompt of 4,000 characters that grow when they are escaped still fits', async () => {
    const hard = { ...ORDER, prompt: '"\\\u{1f98a}\n'.repeat(1_000) };
    for (const [clientName, max] of [
      ["the user's own label", 16_000],
      ['Cline', 8_000],
      ['claude-code', 36_000],
    ] as const) {
      for (const hasViewer of [false, true]) {
        const result = await ask(clientName, 'generate_image', hard, hasViewer);
        expect(charactersIn(result)).toBeLessThanOrEqual(max);
        expect(textOf(result)).toMatch(/File: .+\.jpg/);
        expect(picturesIn(result)).toBe(clientName === 'Cline' ? 0 : 1);
      }
    }
  });
});

describe('with the old handshake', () => {
  it.each([
    ['codex-mcp-client', '2025-06-18', [TEXT, IMAGE]],
    ["the user's own label", '2025-11-25', [TEXT, IMAGE, DATA]],
    ['langchain-mcp-adapter', '2025-11-25', [TEXT]],
    ['ai-sdk-mcp-client', '2025-06-18', [TEXT]],
    ['ai-sdk-mcp-client', '2025-11-25', [TEXT, IMAGE]],
    ['vscode', '2024-11-05', [TEXT, IMAGE]],
  ] as const)('%s (%s) gets %j', async (clientName, protocol, deps) => {
    const { host } = await legacyHost(clientName, { protocol });
    expect(typesIn((await host.call('generate_image', ORDER)) as Result)).toEqual(deps);
  });
});

describe('FLUX_RESULT', () => {
  it('brings LangChain the picture, within the bound of an unknown host', async () => {
    const env = { ...service.env, FLUX_RESULT: 'text,image' };
    const { host } = await legacyHost('@langchain/mcp-adapters', { env });
    const result = (await host.call('generate_image', ORDER)) as Result;
    expect(typesIn(result)).toEqual([TEXT, IMAGE]);
    expect(charactersIn(result)).toBeLessThanOrEqual(16_000);
  });

  it('alone sends a link to a host that is not known to show it', async () => {
    const { host } = await legacyHost('any', { env: { ...service.env, FLUX_RESULT: 'text,link' } });
    expect(typesIn((await host.call('generate_image', ORDER)) as Result)).toEqual([TEXT, LINK]);
  });
});

describe('a batch', () => {
  const PLENTY = ['--max-credits-per-day', '5000', '--max-credits-per-call', '5000', '--confirm-above-credits', '5000'];
  const sandboxed = (clientName: string) =>
    legacyHost(clientName, { args: ['serve', '--sandbox', '--plan', 'enterprise', ...PLENTY], env: {} });
  const imagesOf = (count: number, side: number, prompt: string) =>
    Array.from({ length: count }, (_, at) => ({ prompt: `${at} ${prompt}`, width: side, height: side }));

  it('of 18 pictures fills what Claude Code takes with one contact sheet of them all', async () => {
    const { host } = await sandboxed('claude-code');
    const images = imagesOf(18, 512, 'kites');
    const result = (await host.call('generate_images', { images, wait_seconds: 200 })) as Result;
    expect(charactersIn(result)).toBeLessThanOrEqual(36_000);
    expect(picturesIn(result)).toBe(1);
    expect(textOf(result)).toContain('a contact sheet of the finished pictures, numbered as above; the files have the');
    expect(textOf(result).match(/File: /g)).toHaveLength(18);
    expect(charactersIn(result)).toBeGreaterThan(30_000);
  });

  it('of 50 pictures fits an unknown host with every id and file, and leaves stderr empty', async () => {
    const { host, stderr } = await sandboxed("the user's own label");
    const images = imagesOf(50, 256, '"\\\u{1f98a}\n'.repeat(990));
    const result = (await host.call('generate_images', { images, wait_seconds: 200 })) as Result;
    expect(charactersIn(result)).toBeLessThanOrEqual(24_000);
    const text = textOf(result);
    expect(text).toContain('50 of 50 pictures are finished');
    expect(new Set(text.match(/job_[0-9a-z]{20}/g)).size).toBe(50);
    expect(new Set(text.match(/[^\s/]+\.jpg/g)).size).toBeGreaterThanOrEqual(50);
    expect(stderr()).toBe('');
  });

  it('of 50 pictures fits what Cline reads of a result', async () => {
    const { host } = await sandboxed('Cline');
    const images = imagesOf(50, 256, 'a long prompt that makes a long name '.repeat(100));
    const result = (await host.call('generate_images', { images, wait_seconds: 200 })) as Result;
    expect(charactersIn(result)).toBeLessThanOrEqual(8_000);
    expect(new Set(textOf(result).match(/job_[0-9a-z]{20}\.jpg/g)).size).toBe(50);
    expect(textOf(result)).toMatch(/Next: /);
  });
});
