/** Replies to an order in forms that HTTP, JSON and servers in the field allow or break: one order, and it is understood. */
import { readFile } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG } from '../support/pictures.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';
import { type ScriptedAnswer, type ScriptedRequest, startScriptedService } from '../support/scripted-service.ts';

type Reply = (json: string) => ScriptedAnswer;

// One program for all orders: what they differ in is what the service says.
const packed = await unpackPackage();
const JPEG = Buffer.from(LIGHT_JPEG);
let reply: Reply;
let picture: () => ScriptedAnswer = () => ({ body: JPEG });
const service = await startScriptedService({
  submit: (_, origin) => reply(JSON.stringify({ id: 'a', status: 'completed', url: `${origin}/outputs/1.jpg` })),
  status: () => ({ status: 503 }),
  picture: () => picture(),
});
const env = { ...service.env, DOITONG_PLAN: 'enterprise', FLUX_RESULT: 'text,structured' };
const program = await packed.start([], { env });
const host = new RawHost(program);
await host.handshake();
afterAll(async () => {
  await packed.close();
  await service.close();
});

let orders = 0;
async function order(waitSeconds = 45): Promise<{ answer: ToolResult; file: string | undefined; keys: unknown[] }> {
  const before = service.requests.length;
  orders += 1;
  const picture = { prompt: `heron ${orders}`, width: 256, height: 256, wait_seconds: waitSeconds };
  const answer = await host.call('generate_image', picture);
  const { file } = (answer as ToolResult & { structuredContent: { file?: string } }).structuredContent;
  // Earlier orders without an answer are sent again as well, under their own keys.
  const isThis = ({ kind, body }: ScriptedRequest): boolean => kind === 'submit' && body.includes(`"heron ${orders}"`);
  const submits = service.requests.slice(before).filter(isThis);
  return { answer, file, keys: submits.map(({ headers }) => headers['idempotency-key']) };
}

const encoded = (name: string, body: string | Uint8Array): ScriptedAnswer => ({
  headers: { 'content-type': 'application/json', 'content-encoding': name },
  body,
});
const inData = (json: string): string => `{"data":{"job":${json}}}`;

describe('a reply to an order', () => {
  const forms: [string, Reply][] = [
    ['with a byte order mark', (json) => ({ body: `\uFEFF${inData(json)}` })],
    ['as another type', (json) => ({ headers: { 'content-type': 'text/html; charset=x' }, body: inData(json) })],
    ['in a list, as for a batch of one request', (json) => ({ body: `[${inData(json)}]` })],
    ['with the job in a list', (json) => ({ body: inData(`[${json}]`) })],
    ['plain, although it names gzip', (json) => encoded('gzip', inData(json))],
    ['plain, although it names br', (json) => encoded('br', inData(json))],
    ['plain, although it names deflate', (json) => encoded('deflate', inData(json))],
    ['plain, with the name of a character set as encoding', (json) => encoded('utf-8', inData(json))],
    ['plain, with the encoding none', (json) => encoded('none', `\n ${inData(json)}`)],
    ['in gzip without a word', (json) => ({ body: zlib.gzipSync(inData(json)) })],
    ['in gzip twice and named once', (json) => encoded('gzip', zlib.gzipSync(zlib.gzipSync(inData(json))))],
    ['in gzip of two parts', (json) => encoded('gzip', Buffer.concat([...inData(json)].map((c) => zlib.gzipSync(c))))],
  ];
  it.each(forms)('%s is understood at once', async (_, form) => {
    reply = form;
    const { answer, file, keys } = await order();
    expect(textOf(answer)).toContain('The picture is finished and saved.');
    expect(JPEG.equals(await readFile(file ?? ''))).toBe(true);
    expect(keys).toHaveLength(1);
  });

  // undici asserts that a status is 100 or more, and Node 20 parses the program's source for the message.
  it.each(['000', '001', '099'])('of the status %s does not keep the program from anything else', async (status) => {
    reply = () => ({ raw: `HTTP/1.1 ${status} Odd\r\ncontent-length: 0\r\n\r\n` });
    // It is sent again by itself 10 s later.
    const { answer, keys } = await order(9);
    expect(textOf(answer)).toContain('It is not known whether the service accepted the order.');
    expect(textOf(answer)).toContain('Credits may have been spent.');
    expect(new Set(keys).size).toBe(1);
    expect((await host.ask('ping')).result).toEqual({});
    expect(program.stderr()).not.toMatch(/unforeseen|unexpectedly/u);
  });
});

describe('a picture', () => {
  const range = `bytes 0-${JPEG.length - 1}/${JPEG.length}`;
  const forms: [string, ScriptedAnswer][] = [
    ['of the status 201', { status: 201, body: JPEG }],
    ['of the status 203', { status: 203, body: JPEG }],
    ['as a part that is the whole', { status: 206, headers: { 'content-range': range }, body: JPEG }],
    ['plain, although it names br', encoded('br', JPEG)],
    ['plain, although it names deflate', encoded('deflate', JPEG)],
    ['plain, with the encoding binary', encoded('binary', JPEG)],
    ['in gzip without a word', { body: zlib.gzipSync(JPEG) }],
  ];
  it.each(forms)('%s is saved byte for byte', async (_, answer) => {
    reply = (json) => ({ body: inData(json) });
    picture = () => answer;
    const { file } = await order();
    expect(file).toMatch(/\.jpg$/u);
    expect(JPEG.equals(await readFile(file ?? ''))).toBe(true);
  });
});
