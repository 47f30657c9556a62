/** How a service says where a finished picture is: relative, below the job, as data, too long. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG, pngOf } from '../support/pictures.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';
import { jobAnswer, type ScriptedService, startScriptedService } from '../support/scripted-service.ts';

const JPEG = Buffer.from(LIGHT_JPEG);
const PNG = Buffer.from(await pngOf(256, 256, 0.3));
const BASE64 = PNG.toString('base64');
const PERCENT = [...JPEG].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

const packed = await unpackPackage();
/** What the service says of the job besides its status; the order's prompt is its id there. */
let finished: Record<string, unknown> = {};
let service: ScriptedService;
let program: RunningProgram;
let host: RawHost;

async function start(settings: Record<string, string>): Promise<void> {
  service = await startScriptedService({
    submit: ({ body }) => jobAnswer({ id: promptIn(body), status: 'processing' }),
    status: ({ method, path, body }) =>
      method === 'GET'
        ? { body: { id: decodeURIComponent(path.split('/').at(-1) ?? ''), status: 'completed', ...finished } }
        : jobAnswer({ id: /"id-[^"\\]*/u.exec(body)?.[0].slice(1), status: 'completed', ...finished }),
    picture: () => ({ body: JPEG }),
  });
  const limits = { DOITONG_PLAN: 'enterprise', FLUX_MAX_IMAGES_PER_DAY: '1000', FLUX_MAX_CREDITS_PER_DAY: '100000' };
  const env = { ...service.env, ...limits, FLUX_RESULT: 'text,image,structured', ...settings };
  program = await packed.start([], { env });
  host = new RawHost(program);
  await host.handshake();
}

function promptIn(body: string): string {
  const { variables, prompt } = JSON.parse(body) as {
    variables?: { input: { input: { text: string } } };
    prompt?: string;
  };
  return prompt ?? variables?.input.input.text ?? '';
}

let orders = 0;
type Job = {
  status: string;
  file?: string;
  url?: string;
  error?: { kind: string; message: string; credits_spent: string };
};

async function order(fields: Record<string, unknown>): Promise<{ answer: ToolResult; text: string; job: Job }> {
  finished = fields;
  orders += 1;
  const answer = await host.call('generate_image', { prompt: `id-${orders}`, width: 256, height: 256 });
  const { structuredContent } = answer as ToolResult & { structuredContent: Job };
  return { answer, text: textOf(answer), job: structuredContent };
}

async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

afterAll(() => packed.close());

describe.each([
  ['a status query', {}],
  ['REST', { DOITONG_DIALECT: 'rest', DOITONG_JOB_QUERY: 'auto' }],
])('a finished job read by %s', (_, settings) => {
  beforeAll(() => start(settings));
  afterAll(() => service.close());

  it.each([
    ['/outputs/x.jpg', '/outputs/x.jpg'],
    ['outputs/x.jpg', '/outputs/x.jpg'],
    ['?file=x', '/?file=x'],
    ['/outputs/a b.jpg', '/outputs/a%20b.jpg'],
    ['\\outputs\\x.jpg', '/outputs/x.jpg'],
    [' /outputs/x.jpg\n', '/outputs/x.jpg'],
    ['//HOST/outputs/y.jpg', '/outputs/y.jpg'],
  ])('with the relative address %s has its picture saved from the service', async (url, path) => {
    const own = new URL(service.url);
    const { text, job } = await order({ url: url.replace('HOST', own.host) });
    expect(text).toContain('The picture is finished and saved.');
    expect(job.url).toBe(`${own.origin}${path}`);
    expect(JPEG.equals(await readFile(job.file ?? ''))).toBe(true);
    expect(service.requests.at(-1)).toMatchObject({ kind: 'picture', path });
  });

  it.each([
    ['output.url', (url: string) => ({ output: { url } })],
    ['output', (url: string) => ({ output: url })],
    ['a list', (url: string) => ({ output: [url] })],
    ['result.images', (url: string) => ({ url: null, result: { images: [{ url }] } })],
    ['image', (url: string) => ({ image: { url } })],
    ['imageUrl', (url: string) => ({ imageUrl: url, thumbnailUrl: `${url}?small` })],
    ['download_url', (url: string) => ({ download_url: url })],
    ['url.href', (url: string) => ({ url: { href: url } })],
    ['url.value', (url: string) => ({ url: { value: url } })],
    ['url.raw, with a thumbnail next to it', (url: string) => ({ url: { thumb: `${url}?small`, raw: url } })],
    ['a list of objects', (url: string) => ({ url: [{ url }] })],
    ['a list of lists', (url: string) => ({ url: [[{ src: url }]] })],
  ])('whose address is at %s has its picture saved', async (_where, fields) => {
    const { text, job } = await order(fields(`${service.url}/outputs/z.jpg`));
    expect(text).toContain('The picture is finished and saved.');
    expect(job.url).toBe(`${service.url}/outputs/z.jpg`);
    expect(JPEG.equals(await readFile(job.file ?? ''))).toBe(true);
  });

  it.each([
    ['in Base64', `data:image/png;base64,${BASE64}`, PNG],
    [
      'in capital letters, with parameters and line breaks',
      `DATA:Image/PNG;a=b;BASE64,${BASE64.slice(0, 60)}\n${BASE64.slice(60)}`,
      PNG,
    ],
    ['percent-encoded', `data:image/jpeg,${PERCENT}`, JPEG],
    ['under another type than its bytes have', `data:text/html;base64,${BASE64}`, PNG],
  ])('that holds its picture as data %s has it saved, and recorded nowhere else', async (_form, url, bytes) => {
    expect(url.length).toBeGreaterThan(4_096);
    const { answer, text, job } = await order({ url });
    expect(text).toContain('The picture is finished and saved.');
    expect(bytes.equals(await readFile(job.file ?? ''))).toBe(true);
    expect(job).not.toHaveProperty('url');
    const { content, structuredContent } = answer as ToolResult & { structuredContent: unknown };
    const words = JSON.stringify([content.filter(({ type }) => type === 'text'), structuredContent]);
    expect(words).not.toMatch(/data:|base64/iu);
    for (const file of await filesOf(program.home.folder)) {
      if (file === job.file) continue;
      // A heartbeat may have got its next name meanwhile.
      const content = await readFile(file, 'latin1').catch(() => '');
      expect(content.includes(url.slice(30, 90)), file).toBe(false);
    }
  });

  it.each([
    ['url', (data: string) => ({ url: data })],
    ['b64_json', (data: string) => ({ url: null, b64_json: data })],
    ['imageBase64', (data: string) => ({ imageBase64: data })],
    ['output', (data: string) => ({ output: [data] })],
    ['image.base64', (data: string) => ({ image: { base64: data } })],
  ])('that holds its picture in plain Base64 at %s has it saved', async (_where, fields) => {
    for (const bytes of [JPEG, PNG]) {
      const { text, job } = await order(fields(bytes.toString('base64')));
      expect(text).toContain('The picture is finished and saved.');
      expect(bytes.equals(await readFile(job.file ?? ''))).toBe(true);
      expect(text.length).toBeLessThan(2_000);
    }
  });

  it.each([
    ['longer than 4,096 characters', `/outputs/${'x'.repeat(5_000)}.jpg`, /characters long/u],
    ['with a control character', '/outputs/\u0007.jpg', /control characters/u],
    ['that is no URL', 'https://[::1', /is not a URL/u],
    ['of a file', 'file:///etc/passwd', /not an https address/u],
  ])('with an address %s ends and says so', async (_what, url, message) => {
    const { text, job } = await order({ url });
    expect(job).toMatchObject({ status: 'completed', error: { kind: 'download_failed', credits_spent: 'yes' } });
    expect(job.error?.message).toMatch(message);
    expect(text).toContain('The credits for this picture were spent.');
    expect(text).not.toContain('/etc/passwd');
    expect(text.length).toBeLessThan(2_000);
  });

  it('with data that is no picture ends and says so, without showing it', async () => {
    const url = `data:image/png;base64,${Buffer.from('<!doctype html><p>not for you').toString('base64')}`;
    const { text, job } = await order({ url });
    expect(job.status).toBe('completed');
    expect(job.error?.message).toContain('an HTML page, not a picture');
    expect(text).not.toContain('base64');
  });
});

it('a picture of some megabytes inside the answer to the order is saved', async () => {
  // A comment segment holds at most 64 kB.
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0xff, 0xff]), Buffer.alloc(0xff_fd, 7)]);
  const large = Buffer.concat([JPEG.subarray(0, 2), ...Array<Buffer>(60).fill(comment), JPEG.subarray(2)]);
  expect(large.length).toBeGreaterThan(3_000_000);
  const own = await startScriptedService({
    submit: () =>
      jobAnswer({ id: 'now', status: 'completed', url: `data:image/jpeg;base64,${large.toString('base64')}` }),
    status: () => ({ status: 503 }),
  });
  const home = await packed.newHome();
  const running = await packed.start([], { env: { ...own.env, FLUX_RESULT: 'text,structured' }, home });
  const raw = new RawHost(running);
  await raw.handshake();
  const answer = await raw.call('generate_image', { prompt: 'at once', width: 256, height: 256 });
  expect(textOf(answer)).toContain('The picture is finished and saved.');
  const { file } = (answer as ToolResult & { structuredContent: Job }).structuredContent;
  expect(large.equals(await readFile(file ?? ''))).toBe(true);
  await own.close();
});
