/** Pictures that a host or a proxy compresses for the transfer, although nobody asked for it. */
import { readFile } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG } from '../support/pictures.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';
import {
  jobAnswer,
  printedIn,
  type ScriptedAnswer,
  type ScriptedService,
  startScriptedService,
} from '../support/scripted-service.ts';

const JPEG = Buffer.from(LIGHT_JPEG);
const GZIP = zlib.gzipSync(JPEG);
const zstdCompress = (zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer }).zstdCompressSync;

const packed = await unpackPackage();
let answers: ((path: string, headers: Record<string, unknown>) => ScriptedAnswer)[] = [];
let service: ScriptedService;
let host: RawHost;
let stderr: () => string;

beforeAll(async () => {
  service = await startScriptedService({
    submit: (_, origin) => jobAnswer({ id: 'remote-1', status: 'completed', url: `${origin}/outputs/1.jpg` }),
    picture: ({ path, headers }) =>
      (answers.length > 1 ? answers.shift() : answers[0])?.(path, headers) ?? { status: 404 },
  });
  const program = await packed.start([], { env: { ...service.env, FLUX_RESULT: 'text,structured' } });
  stderr = program.stderr;
  host = new RawHost(program);
  await host.handshake();
});
afterAll(async () => {
  await service.close();
  await packed.close();
});

let orders = 0;
async function order(
  ...script: typeof answers
): Promise<{ text: string; file: string | undefined; asked: typeof service.requests }> {
  answers = script;
  orders += 1;
  const before = service.requests.length;
  const answer = await host.call('generate_image', { prompt: `heron ${orders}`, width: 256, height: 256 });
  const { file } = (answer as ToolResult & { structuredContent: { file?: string } }).structuredContent;
  return { text: textOf(answer), file, asked: service.requests.slice(before).filter(({ kind }) => kind === 'picture') };
}

describe('a picture', () => {
  const cases: [string, Buffer][] = [
    ['gzip', GZIP],
    ['GZIP', GZIP],
    ['x-gzip', GZIP],
    ['br', zlib.brotliCompressSync(JPEG)],
    ['deflate', zlib.deflateSync(JPEG)],
    ['Deflate', zlib.deflateRawSync(JPEG)],
    ['gzip, br', zlib.brotliCompressSync(GZIP)],
    ['identity', JPEG],
    ['', JPEG],
    ['gzip', JPEG],
    ...(zstdCompress === undefined ? [] : ([['zstd', zstdCompress(JPEG)]] as [string, Buffer][])),
  ];
  it.each(cases)('sent with content-encoding "%s" is saved byte for byte', async (encoding, body) => {
    const { text, file } = await order(() => ({ headers: { 'content-encoding': encoding }, body }));
    expect(text).toContain('The picture is finished and saved.');
    expect(JPEG.equals(await readFile(file ?? ''))).toBe(true);
  });

  it('that breaks off while it is encoded is fetched from its beginning, never continued', async () => {
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\netag: "1"\r\naccept-ranges: bytes\r\ncontent-length: ${GZIP.length}\r\n\r\n`;
    const { file, asked } = await order(
      () => ({ raw: Buffer.concat([Buffer.from(head), GZIP.subarray(0, 1_000)]) }),
      () => ({ headers: { 'content-encoding': 'gzip', etag: '"1"' }, body: GZIP }),
    );
    expect(JPEG.equals(await readFile(file ?? ''))).toBe(true);
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  it('in an encoding that nobody knows is tried again, and saved when it comes plain', async () => {
    const { file } = await order(
      () => ({ headers: { 'content-encoding': 'compress' }, body: JPEG }),
      () => ({ body: JPEG }),
    );
    expect(JPEG.equals(await readFile(file ?? ''))).toBe(true);
  });

  it.each([
    ['', zlib.gzipSync(Buffer.alloc(200_000_000)), 'gzip'],
    [' within a bomb', zlib.brotliCompressSync(zlib.gzipSync(Buffer.alloc(200_000_000))), 'gzip, br'],
  ])('that is a bomb%s is refused as too large', async (_, body, encoding) => {
    const { text, file } = await order(() => ({ headers: { 'content-encoding': encoding }, body }));
    expect(file).toBeUndefined();
    expect(text).toContain('larger than 30 MB');
    expect(text).toContain('The credits for this picture were spent.');
    expect(printedIn(stderr())).toEqual([]);
  });
});
