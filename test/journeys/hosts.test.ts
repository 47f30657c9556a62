/** Each host gets what it can take, and what it would drop is never the only copy of a fact. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Answer, type Era, type Story, startStory, textOf } from '../support/start-client.ts';

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
  ['codex-mcp-client', 'v1', [TEXT, IMAGE, DATA]],
  ['Cline', 'v1', [TEXT, IMAGE, DATA]],
  ['Kiro', 'v1', [TEXT, IMAGE, DATA]],
  ['github-copilot-developer', 'v1', [TEXT, LINK, DATA]],
  ['some-agent-framework', 'v1', [TEXT, IMAGE, LINK, DATA]],
  ['some-agent-framework', '2026', [TEXT, IMAGE, LINK, DATA]],
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

  it('goes to nobody larger than its host takes; the text says so and where the file is', async () => {
    story = await startStory({ clientName: 'claude-code', sandbox: { jobDurationMs: 0 } });
    const answer = await story.call('generate_image', { prompt: 'A forest', size: 'large' });
    expect(types(answer)).toEqual([TEXT, TEXT]);
    expect(textOf(answer)).toMatch(/larger than what this host takes/);
    expect(textOf(answer)).toMatch(/File: .+\.jpg/);
    expect(JSON.stringify(answer).length).toBeLessThan(48_000);
  });

  it('comes in the parts that the user has set', async () => {
    story = await startStory({ resultParts: ['text'], sandbox: { jobDurationMs: 0 } });
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
