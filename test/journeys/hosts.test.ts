/** Each host gets what it can take, and what it would drop is never the only copy of a fact. */
import { afterEach, describe, expect, it } from 'vitest';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Answer, ERAS, type Era, type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const types = (answer: Answer): string[] => [
  ...answer.content.map((part) => part.type),
  ...(answer.structuredContent === undefined ? [] : ['structured']),
];

const TEXT = 'text';
const IMAGE = 'image';
const LINK = 'resource_link';
const DATA = 'structured';
const HOSTS: [string, Era, string[]][] = [
  ['claude-ai', 'v1', [TEXT, IMAGE, DATA]],
  ['claude-code', 'v1', [TEXT, IMAGE]],
  ['claude-code', '2026', [TEXT, IMAGE]],
  ['Visual Studio Code', 'v1', [TEXT, IMAGE, LINK]],
  ['Visual Studio Code - Insiders', 'v1', [TEXT, IMAGE, LINK]],
  ['vscode', 'v2', [TEXT, IMAGE, LINK]],
  ['cursor-vscode', 'v1', [TEXT, IMAGE, LINK]],
  ['Cursor', '2026', [TEXT, IMAGE, LINK]],
  ['codex-mcp-client', 'v1', [TEXT, IMAGE]],
  ['codex-mcp-client', '2026', [TEXT, IMAGE]],
  ['Cline', 'v1', [TEXT]],
  ['github-copilot-developer', 'v1', [TEXT]],
  ['goose', 'v1', [TEXT, IMAGE]],
  ['kimi-code', 'v2', [TEXT, IMAGE]],
  ['ai-sdk-mcp-client', '2026', [TEXT, IMAGE]],
  ['@langchain/mcp-adapters', 'v1', [TEXT]],
  ['mcp-use', 'v1', [TEXT]],
  ['Kiro', 'v1', [TEXT, IMAGE, DATA]],
  ['some-agent-framework', 'v1', [TEXT, IMAGE, DATA]],
  ['some-agent-framework', '2026', [TEXT, IMAGE, DATA]],
];

describe('a finished picture', () => {
  it.each(HOSTS)('reaches %s (%s) as %j', async (clientName, era, expected) => {
    story = await startStory({ clientName, era, sandbox: { jobDurationMs: 0 } });
    const answer = await story.call('generate_image', { prompt: 'A kite', width: 256, height: 256 });
    expect(types(answer)).toEqual(expected);
    const text = textOf(answer);
    for (const fact of [
      /File: .+\.jpg/,
      /URL: http/,
      /256 × 256 pixels, \d+ credits/,
      /Job: job_/,
      /Next: /,
      /Sandbox/,
    ])
      expect(text).toMatch(fact);
  });

  it('is made smaller where its host takes no more; the text says so and where the file is', async () => {
    story = await startStory({ clientName: 'claude-code', sandbox: { jobDurationMs: 0 } });
    const answer = await story.call('generate_image', { prompt: 'A forest', size: 'large', wait_seconds: 300 });
    expect(types(answer)).toEqual([TEXT, IMAGE]);
    expect(textOf(answer)).toMatch(/This answer shows a preview of \d+ × \d+ pixels/);
    expect(textOf(answer)).toMatch(/File: .+\.jpg/);
    expect(JSON.stringify(answer).length).toBeLessThanOrEqual(36_000);
    const shown = await decodeJpeg(Buffer.from(answer.content[1]?.data ?? '', 'base64'));
    expect(textOf(answer)).toContain(`${shown.width} × ${shown.height} pixels`);
    expect(shown.width).toBeGreaterThan(200);
  });

  it.each([
    ['off', undefined],
    [320, 320],
  ] as const)('is shown as the user has set it: %s', async (preview, side) => {
    story = await startStory({ preview, sandbox: { jobDurationMs: 0 } });
    const answer = await story.call('generate_image', { prompt: 'A kite', width: 512, height: 256 });
    const shown = answer.content.find(({ type }) => type === IMAGE);
    if (side === undefined) return expect(shown).toBeUndefined();
    const picture = await decodeJpeg(Buffer.from(shown?.data ?? '', 'base64'));
    expect([picture.width, picture.height]).toEqual([320, 160]);
  });

  it('comes in the parts that the user has set', async () => {
    story = await startStory({ resultContent: ['text'], sandbox: { jobDurationMs: 0 } });
    expect(types(await story.call('generate_image', { prompt: 'A kite', width: 256, height: 256 }))).toEqual([TEXT]);
  });
});

it('limits always come as data, whatever the host', async () => {
  for (const clientName of ['claude-code', 'cursor-vscode', 'some-agent-framework']) {
    story = await startStory({ clientName });
    const answer = await story.call('check_rate_limits');
    expect(types(answer)).toEqual([TEXT, DATA]);
    expect(answer.structuredContent).toMatchObject({ plan: 'free', requests: { limit: 10, source: 'plan' } });
    await story.close();
  }
  story = undefined;
});

describe.each(ERAS)('the viewer (%s)', (era) => {
  const JOB = 'io.github.flux-pro-mcp/job';

  it('is told the job next to the result where the host shows it, and no other host is', async () => {
    for (const showsViewer of [true, false]) {
      story = await startStory({ era, showsViewer, clientName: 'vscode', sandbox: { jobDurationMs: 0 } });
      const answer = await story.call('generate_image', { prompt: 'A kite', width: 256, height: 256 });
      expect(types(answer)).toEqual([TEXT, IMAGE, LINK]);
      const job = answer._meta?.[JOB] as Record<string, unknown> | undefined;
      if (showsViewer) expect(job).toMatchObject({ status: 'completed', prompt: 'A kite' });
      else expect(job).toBeUndefined();
      await story.close();
    }
    story = undefined;
  });

  it('is a page that tools name and that can be read, without being listed', async () => {
    story = await startStory({ era });
    const tools = (await story.listTools()) as { name: string; _meta?: { ui?: { resourceUri?: string } } }[];
    const named = tools.filter(({ _meta }) => _meta?.ui?.resourceUri === 'ui://flux/viewer').map(({ name }) => name);
    expect(named).toEqual(['generate_image', 'generate_images', 'get_job_status']);
    const [page] = (await story.readResource('ui://flux/viewer')).contents;
    expect(page?.mimeType).toBe('text/html;profile=mcp-app');
    expect(page?.text).toMatch(/^<!doctype html>/);
    expect((await story.listResources()).resources.map(({ uri }) => uri)).not.toContain('ui://flux/viewer');
    expect(story.startedApps()).toBe(0);
  });
});

it('the viewer is told several jobs, and how far an open one is', async () => {
  story = await startStory({ showsViewer: true, sandbox: { jobDurationMs: 30_000 } });
  const open = await story.call('generate_image', { prompt: 'A kite', width: 256, height: 256, wait_seconds: 2 });
  expect(open._meta).toMatchObject({
    'io.github.flux-pro-mcp/job': { status: 'processing' },
    'io.github.flux-pro-mcp/eta': { fraction: expect.any(Number), seconds_left: expect.any(Number) },
  });
  const images = ['A lamp', 'A boat'].map((prompt) => ({ prompt, width: 256, height: 256 }));
  const several = await story.call('generate_images', { images, wait_seconds: 100 });
  expect(several._meta?.['io.github.flux-pro-mcp/jobs']).toHaveLength(2);
});
