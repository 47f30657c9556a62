/** Pictures of every kind that a service may deliver: damaged, huge, turned, in other colours, of other types. */
import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeJpeg, quarterColors } from '../support/jpeg.ts';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import {
  jpegOf,
  quarters,
  rgbProfile,
  withExif,
  withFrameSize,
  withProfile,
  withSecondFrame,
} from '../support/pictures.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';
import { jobAnswer, printedIn, type ScriptedService, startScriptedService } from '../support/scripted-service.ts';

type Job = { job_id: string; status: string; file?: string; width: number; height: number; next: string };
type Part = { type: string; data?: string; mimeType?: string };

const JPEG = Buffer.from(await jpegOf(640, 480, { pixels: quarters }));
const NOT_SHOWN = 'The picture is not shown in this answer';

const packed = await unpackPackage();
let delivered: { body: Uint8Array; type: string };
let service: ScriptedService;
let program: RunningProgram;
let host: RawHost;

beforeAll(async () => {
  service = await startScriptedService({
    submit: ({ number }, origin) =>
      jobAnswer({ id: `remote-${number}`, status: 'completed', url: `${origin}/outputs/${number}.jpg` }),
    picture: () => ({ headers: { 'content-type': delivered.type }, body: delivered.body }),
  });
  // Pictures are shown with at most 256 pixels on a side: all of these are larger, and go through a decoder.
  const settings = { FLUX_RESULT: 'text,image,structured', FLUX_PREVIEW: '256' };
  program = await packed.start([], { env: { ...service.env, ...settings } });
  host = new RawHost(program);
  await host.handshake();
});
afterAll(async () => {
  await service.close();
  await packed.close();
});

let orders = 0;
async function order(
  body: Uint8Array,
  type = 'image/jpeg',
): Promise<{ text: string; job: Job; shown: Part | undefined; answer: ToolResult }> {
  delivered = { body, type };
  orders += 1;
  const answer = await host.call('generate_image', { prompt: `a lock ${orders}`, width: 640, height: 480 });
  const { structuredContent: job } = answer as ToolResult & { structuredContent: Job };
  return {
    text: textOf(answer),
    job,
    shown: (answer.content as Part[]).find(({ type: kind }) => kind === 'image'),
    answer,
  };
}

async function expectKept(job: Job, bytes: Uint8Array, extension: string): Promise<void> {
  expect(extname(job.file ?? '')).toBe(extension);
  expect(Buffer.from(bytes).equals(await readFile(job.file ?? ''))).toBe(true);
}

describe('a JPEG that no decoder should be given', () => {
  it.each([
    ['with 7,000² pixels in its header', withFrameSize(JPEG, 7_000, 7_000)],
    ['with a second frame header', withSecondFrame(JPEG, 7_000, 7_000)],
    ['with a second beginning', Buffer.concat([JPEG.subarray(0, 2), withFrameSize(JPEG, 7_000, 7_000), JPEG])],
  ])('%s is saved and not shown, at no cost of memory', async (_, bytes) => {
    const { text, job, shown } = await order(bytes);
    expect(text).toContain('The picture is finished and saved.');
    expect(text).toContain(NOT_SHOWN);
    expect(shown).toBeUndefined();
    await expectKept(job, bytes, '.jpg');
    expect(printedIn(program.stderr())).toEqual([]);
    if (process.platform !== 'linux') return;
    const status = await readFile(`/proc/${program.child.pid}/status`, 'utf8');
    const peakMb = Number(/^VmHWM:\s+(\d+) kB/mu.exec(status)?.[1]) / 1_024;
    expect(peakMb).toBeLessThan(400);
  });

  it('whose data are damaged prints nothing', async () => {
    const bytes = Buffer.from(JPEG);
    bytes.fill(0xa5, Math.floor(bytes.length / 2), bytes.length - 200);
    const { text, job } = await order(bytes);
    expect(text).toContain('The picture is finished and saved.');
    await expectKept(job, bytes, '.jpg');
    expect(printedIn(program.stderr())).toEqual([]);
  });

  it('leaves the next picture as it would be shown', async () => {
    expect((await order(JPEG)).shown).toMatchObject({ type: 'image', mimeType: 'image/jpeg' });
  });
});

describe('a picture in an answer', () => {
  it.each([
    [1, 256, 192, 'RGBW'],
    [3, 256, 192, 'WBGR'],
    [6, 192, 256, 'BRWG'],
    [8, 192, 256, 'GWRB'],
  ])('is upright where EXIF counts %d, and so is its size', async (orientation, width, height, expected) => {
    const bytes = withExif(JPEG, orientation);
    const { job, shown, text } = await order(bytes);
    const pixels = await decodeJpeg(Buffer.from(shown?.data ?? '', 'base64'));
    expect([pixels.width, pixels.height]).toEqual([width, height]);
    expect(quarterColors(pixels)).toBe(expected);
    const size = orientation >= 5 ? { width: 480, height: 640 } : { width: 640, height: 480 };
    expect(job).toMatchObject(size);
    expect(text).toContain(`Picture: ${size.width} × ${size.height} pixels`);
    await expectKept(job, bytes, '.jpg');
  });

  it('keeps the colour profile of the delivered one', async () => {
    const { shown, job } = await order(withProfile(JPEG, rgbProfile()));
    expect(Buffer.from(shown?.data ?? '', 'base64').includes(rgbProfile())).toBe(true);
    await expectKept(job, withProfile(JPEG, rgbProfile()), '.jpg');
  });
});

const text = (latin1: string, ...more: Uint8Array[]): Buffer => Buffer.concat([Buffer.from(latin1, 'latin1'), ...more]);
const NOISE = Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7_919) % 251));

describe('a file that is not of a type that is shown', () => {
  it.each([
    ['GIF', '.gif', 'image/gif', text('GIF89a\u0010\0\u0010\0\0\0\0', NOISE, text(';'))],
    ['TIFF', '.tiff', 'image/tiff', text('II*\0\u0008\0\0\0\0\0', NOISE)],
    ['BMP', '.bmp', 'image/bmp', text('BM\u0080\0\0\0\0\0\0\0\u0036\0\0\0\u0028\0\0\0\u0010\0\0\0\u0010\0\0\0', NOISE)],
    ['HEIC', '.heic', 'image/heic', text('\0\0\0\u0010ftypheic\0\0\0\0\0\0\0\0mdat', NOISE)],
    ['JPEG XL', '.jxl', 'image/jxl', text('\u00ff\n', NOISE)],
    ['a type that is not known', '.bin', 'application/octet-stream', text('XPIC\u0001\0', NOISE)],
  ])('is kept as it came, and told: %s', async (_name, extension, mimeType, bytes) => {
    const { text: words, job, shown } = await order(bytes, 'image/jpeg');
    expect(job.status).toBe('completed');
    await expectKept(job, bytes, extension);
    expect(shown).toBeUndefined();
    const what = extension === '.bin' ? 'a file of unknown type' : `a file of type ${mimeType}`;
    for (const reported of [words, job.next])
      expect(reported).toContain(`Tell the user that the service delivered ${what}`);
    const { result } = await host.ask('resources/read', { uri: `flux://images/${job.job_id}` });
    const [contents] = (result as { contents: { mimeType: string; blob: string }[] }).contents;
    expect(contents?.mimeType).toBe(mimeType);
    expect(Buffer.from(contents?.blob ?? '', 'base64').equals(bytes)).toBe(true);
    const again = await host.call('get_job_status', { job_id: job.job_id });
    expect(textOf(again)).toContain(`delivered ${what}`);
    expect(printedIn(program.stderr())).toEqual([]);
  });

  it('is told for each picture of a batch', async () => {
    delivered = { body: text('GIF89a\u0010\0\u0010\0\0\0\0', NOISE, text(';')), type: 'image/gif' };
    const images = [1, 2].map((number) => ({ prompt: `a mill ${number}`, width: 640, height: 480 }));
    const answer = await host.call('generate_images', { images });
    expect(textOf(answer).match(/the service delivered a file of type image\/gif/gu)).toHaveLength(2);
  });

  it('is not handed out any more when words have taken its place', async () => {
    const { job } = await order(text('XPIC\u0001\0', NOISE), 'image/jpeg');
    await writeFile(job.file ?? '', 'the words of another file, as long as you like');
    const { result, error } = await host.ask('resources/read', { uri: `flux://images/${job.job_id}` });
    expect(result).toBeUndefined();
    expect(error?.message).toContain('was replaced');
  });

  it.each([
    ['an HTML page', text('<!doctype html><p>Sign in')],
    ['an HTML page', text('\ufeff<html><p>caf\u00e9'.slice(1), NOISE)],
    ['an SVG drawing', text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['JSON', text('{"error":"expired"}')],
    ['text', text('The link has expired, please order again to get another one.')],
  ])('is not kept when it is only words: %s', async (what, bytes) => {
    const { text: words, job } = await order(bytes, 'image/png');
    expect(job.status).toBe('completed');
    expect(job).not.toHaveProperty('file');
    expect(words).toContain(`What the service delivered is ${what}, not a picture.`);
    expect(words).toContain('The credits for this picture were spent.');
  });
});
