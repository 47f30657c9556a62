/** What users meet besides the network: no key, a bad key file, a refused host, a full limit, a failed job. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const ORDER = { prompt: 'A tin robot', width: 256, height: 256 };

it('without a key a call says how to set it, and that the sandbox needs none', async () => {
  story = await startStory({ settings: { apiKey: undefined } });
  const answer = await story.call('generate_image', ORDER);
  expect(answer.isError).toBe(true);
  expect(textOf(answer)).toMatch(/DOITONG_API_KEY.*--sandbox/s);
  expect(textOf(answer)).toContain('No credits were spent.');
  expect((await story.call('check_rate_limits')).isError ?? false).toBe(false);
  expect(story.sandbox.inspect().requests).toEqual([]);
});

it('a key file is read at the first call, and corrected without a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flux-key-'));
  const apiKeyFile = join(folder, 'key');
  try {
    story = await startStory({ settings: { apiKey: undefined, apiKeyFile }, sandbox: { jobDurationMs: 0 } });
    const refused = await story.call('generate_image', ORDER);
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/The key file .+ cannot be read \(ENOENT\)/);
    expect(refused.structuredContent?.error).toMatchObject({ kind: 'bad_key', credits_spent: 'no' });
    await writeFile(apiKeyFile, `${story.sandbox.key}\n`);
    const answer = await story.call('generate_image', ORDER);
    expect(answer.structuredContent).toMatchObject({ status: 'completed' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a picture on a host that is not listed stays completed, with its url and the setting to change', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 0 } });
  story.wire.script(
    [
      {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          data: { job: { id: 'far', status: 'completed', url: 'https://elsewhere.example/far.jpg', creditCost: 12 } },
        }),
      },
    ],
    'submit',
  );
  const answer = await story.call('generate_image', ORDER);
  expect(answer.isError ?? false).toBe(false);
  expect(answer.structuredContent).toMatchObject({
    status: 'completed',
    url: 'https://elsewhere.example/far.jpg',
    credits: { exact: 12 },
    error: { kind: 'download_failed', credits_spent: 'yes' },
  });
  expect(answer.structuredContent).not.toHaveProperty('file');
  expect(textOf(answer)).toContain('DOITONG_DOWNLOAD_HOSTS');
  expect(textOf(answer)).toContain('https://elsewhere.example/far.jpg');
});

it('a job that the service ends without a picture is an error that says so', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 1_000 } });
  const failed = await story.call('generate_image', { ...ORDER, prompt: 'sandbox:fail' });
  expect(failed.isError).toBe(true);
  expect(failed.structuredContent).toMatchObject({ status: 'failed', error: { kind: 'generation_failed' } });
  const moderated = await story.call('generate_image', { ...ORDER, prompt: 'sandbox:moderated' });
  expect(moderated.isError).toBe(true);
  expect(moderated.structuredContent).toMatchObject({ status: 'failed', error: { kind: 'moderated' } });
  expect(textOf(moderated)).toMatch(
    /Next: Tell the user, and propose a prompt .*; if the user agrees, .* that is a new, paid order/,
  );
});

it('on the free plan polls do not use up what the next order needs, and the limits are told', async () => {
  story = await startStory({ sandbox: { plan: 'free', jobDurationMs: 30_000 } });
  const answer = await story.call('generate_image', { ...ORDER, wait_seconds: 120 });
  expect(answer.structuredContent).toMatchObject({ status: 'completed' });
  expect(story.sandbox.inspect().requests.filter((request) => request.httpStatus === 429)).toEqual([]);
  const limits = await story.call('check_rate_limits');
  expect(limits.structuredContent).toMatchObject({
    plan: 'free',
    requests: { limit: 10, source: 'headers' },
    concurrent: { limit: 1, in_use: 0 },
    daily: { limit: 100, used: 1 },
    credits: { spent_today: story.sandbox.inspect().charges[0]?.credits },
  });
});

it('without introspection the status query is found by its name', async () => {
  story = await startStory({ sandbox: { scenarios: ['no-introspection'], jobDurationMs: 1_000 } });
  const answer = await story.call('generate_image', ORDER);
  expect(answer.structuredContent).toMatchObject({ status: 'completed' });
});

it('a picture that was broken on its way is fetched again', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 0 } });
  story.wire.script(['truncate', 'status-503', 'html-200'], 'picture');
  const answer = await story.call('generate_image', ORDER);
  expect(answer.structuredContent).toMatchObject({ status: 'completed' });
  expect(answer.structuredContent).toHaveProperty('file');
});

it('a picture that ends in the middle, without a length, is fetched again', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 0 } });
  const half = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(3_000, 7)]);
  story.wire.script([{ status: 200, headers: { 'content-type': 'image/jpeg' }, body: half }], 'picture');
  const answer = await story.call('generate_image', ORDER);
  expect(answer.structuredContent).toMatchObject({ status: 'completed' });
  await decodeJpeg(await readFile(String(answer.structuredContent?.file)));
});

it('the key turns up nowhere, even when the service repeats it', async () => {
  story = await startStory();
  const { key } = story.sandbox;
  const body = JSON.stringify({ errors: [{ message: `Key ${key} is odd`, extensions: { code: 'BAD_USER_INPUT' } }] });
  story.wire.script([{ status: 400, body, headers: { 'content-type': 'application/json' } }]);
  const answer = await story.call('generate_image', ORDER);
  expect(answer.isError).toBe(true);
  expect(JSON.stringify(answer) + story.logLines.join('')).not.toContain(key);
  expect(textOf(answer)).toContain('[redacted]');
});

it('a key inside a prompt is refused, and shown in no answer', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 0, key: 'sandbox-0123456789abcdef' } });
  const beginning = story.sandbox.key.slice(0, 14);
  const answer = await story.call('generate_image', { ...ORDER, prompt: `a sign: ${story.sandbox.key}` });
  expect(textOf(answer)).toContain('The prompt contains a secret of this server');
  expect(JSON.stringify([answer, await story.call('list_jobs')])).not.toContain(beginning);
});

it('a credential of others inside a prompt is shown in no answer, not even the half that a cut would leave', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 0 } });
  const credential = 'Bearer 0123456789abcdef0123456789abcdef';
  const beginning = credential.slice(0, 20);
  for (const length of [40, 180]) {
    const prompt = `${'x'.repeat(length - 1)} ${credential}`;
    const answer = await story.call('generate_image', { ...ORDER, prompt });
    expect(textOf(answer)).toContain('xxx');
    expect(JSON.stringify(answer.content.filter((part) => part.type === 'text'))).not.toContain(beginning);
    expect(JSON.stringify(answer.structuredContent)).not.toContain(beginning);
  }
  const list = await story.call('list_jobs');
  expect(textOf(list)).toContain('xxx');
  expect(JSON.stringify(list)).not.toContain(beginning);
});
