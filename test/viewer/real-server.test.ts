/** The viewer in a real browser against the real server: its variation is a second, paid order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Story, startStory } from '../support/start-client.ts';
import { hasChromium, openTheatre, type Result, type Theatre } from './stage.ts';

describe.skipIf(!hasChromium)('the viewer and the server', () => {
  let theatre: Theatre;
  beforeAll(async () => {
    theatre = await openTheatre();
  });
  afterAll(() => theatre.close());

  it('follow a job to its picture, and order a variation of it', async () => {
    const story: Story = await startStory({
      showsViewer: true,
      clientName: 'vscode',
      sandbox: { jobDurationMs: 3_000 },
    });
    const stage = await theatre.open({
      call: async (name, args) => (await story.call(name, args)) as Result,
      read: async (uri) => (await story.readResource(uri)) as Result,
    });
    const order = await story.call('generate_image', { prompt: 'A kite', width: 512, height: 256, wait_seconds: 0 });
    await stage.result(order as Result);
    await stage.frame.locator('#picture').waitFor({ state: 'visible' });
    expect(story.sandbox.inspect().submissions).toBe(1);
    expect(await stage.text('sandbox')).toBe('Sandbox picture');

    await stage.frame.locator('#vary').click();
    await stage.frame.locator('#strip img').nth(1).waitFor();
    expect(story.sandbox.inspect().submissions).toBe(2);
    expect(story.sandbox.inspect().charges).toHaveLength(2);
    expect(await stage.text('facts')).toContain('512 × 256');
    await expect.poll(() => stage.reported.join()).toMatch(/variation/);
    expect(stage.troubles).toEqual([]);
    await stage.close();
    await story.close();
  });
});
