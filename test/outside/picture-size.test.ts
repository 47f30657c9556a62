/** The size that answers, records and side files name: that of the delivered bytes, and where it differs, the ordered one as well. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Home, type PackedPackage, unpackPackage } from '../support/packed-program.ts';
import { avifOf, jpegOf, pngOf, webpOf } from '../support/pictures.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';
import { jobAnswer, type ScriptedService, startScriptedService } from '../support/scripted-service.ts';

type Size = { width: number; height: number };
type Job = Size & { job_id: string; file: string; ordered?: Size };
type WithJob = ToolResult & { structuredContent: Job };

const WIDE = { width: 1_344, height: 768 };

let packed: PackedPackage;
let service: ScriptedService;
let home: Home;
let host: RawHost;
let picture: Uint8Array;

async function start(): Promise<RawHost> {
  const env = { ...service.env, FLUX_RESULT: 'text,structured' };
  const started = new RawHost(await packed.start([], { env, home }));
  await started.handshake();
  return started;
}

beforeAll(async () => {
  packed = await unpackPackage();
  home = await packed.newHome();
  service = await startScriptedService({
    submit: ({ number }, origin) =>
      jobAnswer({ id: `remote-${number}`, status: 'completed', url: `${origin}/outputs/${number}.jpg` }),
    picture: () => ({ body: picture }),
  });
  host = await start();
});
afterAll(async () => {
  await service.close();
  await packed.close();
});

let orders = 0;
async function order(bytes: Uint8Array, size: Size): Promise<WithJob> {
  picture = bytes;
  orders += 1;
  return (await host.call('generate_image', { prompt: `a pier ${orders}`, ...size })) as WithJob;
}

async function described(jobId: string): Promise<string | undefined> {
  const { result } = await host.ask('resources/list');
  const { resources } = result as { resources: { uri: string; description?: string }[] };
  return resources.find(({ uri }) => uri === `flux://images/${jobId}`)?.description;
}

describe('a picture of another size than ordered', () => {
  it.each([
    ['JPEG', () => jpegOf(96, 168), { width: 96, height: 168 }],
    ['PNG', () => pngOf(168, 96), { width: 168, height: 96 }],
    ['WebP', () => webpOf(100, 60), { width: 100, height: 60 }],
    ['AVIF', async () => avifOf(64, 48), { width: 64, height: 48 }],
  ])('as %s has its own size everywhere, next to the ordered one', async (_type, make, size) => {
    const answer = await order(await make(), WIDE);
    const { structuredContent: job } = answer;
    expect(job).toMatchObject({ ...size, ordered: WIDE });
    const text = textOf(answer);
    expect(text).toContain(`Picture: ${size.width} × ${size.height} pixels (ordered: 1344 × 768), `);
    expect(text).toContain('where the file is, and that its size is not the ordered one.');
    const side = JSON.parse(await readFile(job.file.replace(/\.\w+$/u, '.json'), 'utf8')) as Record<string, unknown>;
    expect(side).toMatchObject({ ...size, ordered_width: 1_344, ordered_height: 768 });
    expect(await described(job.job_id)).toBe(`${size.width} × ${size.height} pixels (ordered: 1344 × 768)`);
    const read = await host.ask('resources/read', { uri: `flux://jobs/${job.job_id}` });
    const { contents } = read.result as { contents: { text: string }[] };
    expect(JSON.parse(contents[0]?.text ?? '')).toMatchObject({ ...size, ordered: WIDE });
  });

  it('keeps it on record: another process, a list and an equal order name it as well', async () => {
    const { structuredContent: first } = await order(await jpegOf(64, 32), WIDE);
    host = await start();
    const asked = (await host.call('get_job_status', { job_id: first.job_id })) as WithJob;
    expect(asked.structuredContent).toMatchObject({ width: 64, height: 32, ordered: WIDE });
    const listed = (await host.call('list_jobs', {})) as ToolResult & { structuredContent: { jobs: Job[] } };
    const { jobs } = listed.structuredContent;
    expect(jobs.find(({ job_id }) => job_id === first.job_id)).toMatchObject({ width: 64, height: 32, ordered: WIDE });
    const again = (await host.call('generate_image', { prompt: `a pier ${orders}`, ...WIDE })) as WithJob;
    expect(again.structuredContent).toMatchObject({ job_id: first.job_id, width: 64, ordered: WIDE });
  });
});

it('a picture of the ordered size has no other one', async () => {
  const answer = await order(await jpegOf(256, 256), { width: 256, height: 256 });
  expect(answer.structuredContent).toMatchObject({ width: 256, height: 256 });
  expect(answer.structuredContent).not.toHaveProperty('ordered');
  expect(textOf(answer)).not.toContain('ordered');
  const side = JSON.parse(await readFile(answer.structuredContent.file.replace(/\.jpg$/u, '.json'), 'utf8')) as object;
  expect(side).not.toHaveProperty('ordered_width');
});

it('several pictures name the size of each', async () => {
  picture = await jpegOf(48, 80);
  const images = [1, 2].map((number) => ({ prompt: `a gull ${number}`, ...WIDE }));
  const answer = (await host.call('generate_images', { images, max_credits: 200 })) as ToolResult & {
    structuredContent: { jobs: Job[] };
  };
  expect(answer.structuredContent.jobs).toHaveLength(2);
  for (const job of answer.structuredContent.jobs) expect(job).toMatchObject({ width: 48, height: 80, ordered: WIDE });
  expect(textOf(answer).match(/48 × 80 \(ordered: 1344 × 768\)/gu)).toHaveLength(2);
});
