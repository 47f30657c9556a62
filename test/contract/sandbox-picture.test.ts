// Owns the proof of the sandbox's pictures: real JPEGs of the size asked for, reproducible, marked, and only when ready.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type DecodedJpeg, decodeJpeg } from '../support/jpeg.ts';

let now = 0;
let sandbox: Sandbox;

beforeEach(async () => {
  now = Date.UTC(2026, 10, 20);
  sandbox = await startSandbox({ now: () => now, jobDurationMs: 1_000, credits: 10_000 });
});
afterEach(() => sandbox.close());

async function submit(prompt: string, width: number, height: number): Promise<string> {
  const response = await fetch(`${sandbox.url}/v1/text_to_image`, {
    method: 'POST',
    headers: { 'x-api-key': sandbox.key, 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'flux-pro', prompt, width, height }),
  });
  return ((await response.json()) as { id: string }).id;
}

async function download(prompt: string, width: number, height: number): Promise<Uint8Array> {
  const id = await submit(prompt, width, height);
  now += 2_000;
  const response = await fetch(`${sandbox.url}/outputs/${id}.jpg`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/jpeg');
  expect(response.headers.get('set-cookie')).toBeNull();
  return new Uint8Array(await response.arrayBuffer());
}

/** The mean brightness of some rows, and how many of their pixels are nearly white. */
function measure({ data, width }: DecodedJpeg, from: number, to: number): { mean: number; bright: number } {
  let sum = 0;
  let bright = 0;
  for (let at = from * width * 4; at < to * width * 4; at += 4) {
    const level = ((data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0)) / 3;
    sum += level;
    if (level > 200) bright += 1;
  }
  return { mean: sum / ((to - from) * width), bright };
}

describe('sandbox pictures', () => {
  it.each([
    [256, 256],
    [1024, 1024],
    [1280, 720],
    [2048, 256],
    [256, 2048],
    [2048, 2048],
  ])('has a decodable picture of %i × %i with a light mark on a dark strip', async (width, height) => {
    const picture = await decodeJpeg(await download('a fox', width, height));
    expect(picture).toMatchObject({ width, height });
    // The strip is 15 dots high, the letters are in the middle seven.
    const dot = Math.max(2, Math.round(Math.min(width, height) / 220));
    const strip = measure(picture, height - 15 * dot, height);
    expect(strip.mean).toBeLessThan(110);
    // SANDBOX has 109 dots.
    expect(strip.bright).toBeGreaterThan(0.6 * 109 * dot * dot);
    expect(measure(picture, height - 4 * dot, height).bright).toBe(0);
  });

  it('is another one for each job, also of an equal prompt, and the same whenever it is fetched', async () => {
    const first = await download('a fox in the snow', 512, 384);
    expect(await download('a hare in the snow', 512, 384)).not.toEqual(first);
    expect(await download('a fox in the snow', 512, 384)).not.toEqual(first);
    const id = sandbox.inspect().jobs[0]?.id;
    const again = await fetch(`${sandbox.url}/outputs/${id}.jpg`);
    expect(new Uint8Array(await again.arrayBuffer())).toEqual(first);
  });

  it('follows from the seed, the order of the jobs and the prompt', async () => {
    const pictures: Uint8Array[] = [];
    for (const prompt of ['a fox', 'a fox', 'a hare']) {
      await sandbox.close();
      sandbox = await startSandbox({ now: () => now, jobDurationMs: 0, seed: 'one' });
      pictures.push(await download(prompt, 256, 256));
    }
    expect(pictures[1]).toEqual(pictures[0]);
    expect(pictures[2]).not.toEqual(pictures[0]);
  });

  it('is there neither before the job has ended, nor for a failed or an unknown job', async () => {
    const waiting = await submit('a fox', 256, 256);
    const failing = await submit('sandbox:fail', 256, 256);
    const status = async (id: string): Promise<number> => (await fetch(`${sandbox.url}/outputs/${id}.jpg`)).status;
    expect(await status(waiting)).toBe(404);
    now += 2_000;
    expect(await status(waiting)).toBe(200);
    expect(await status(failing)).toBe(404);
    expect(await status('none')).toBe(404);
    expect(await status('..%2f..%2fetc')).toBe(404);
  });

  it('is not counted against the rate limit, and answers HEAD too', async () => {
    const id = await submit('a fox', 256, 256);
    now += 2_000;
    const url = `${sandbox.url}/outputs/${id}.jpg`;
    const bodies = await Promise.all(Array.from({ length: 100 }, async () => (await fetch(url)).arrayBuffer()));
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(bodies[0]?.byteLength));
    expect(head.headers.get('x-ratelimit-limit')).toBeNull();
    expect(new Set(bodies.map((body) => body.byteLength)).size).toBe(1);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('the decoder of the tests', () => {
  it('refuses what is not a whole JPEG', async () => {
    const whole = await download('a fox', 256, 256);
    await expect(decodeJpeg(whole.subarray(0, whole.length / 2))).rejects.toThrow('not a whole JPEG');
    await expect(decodeJpeg(new TextEncoder().encode('<html></html>'))).rejects.toThrow('not a JPEG');
  });
});
