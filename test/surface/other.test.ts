/** What a host sees listed next to the tools is a reviewed contract, too. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Story, startStory } from '../support/start-client.ts';

let story: Story;
beforeAll(async () => {
  story = await startStory();
});
afterAll(() => story.close());

it.each<[string, (from: Story) => Promise<unknown>]>([
  ['resources', async (from) => (await from.listResources()).resources],
  ['resource-templates', (from) => from.listTemplates()],
  ['prompts', (from) => from.listPrompts()],
  ['instructions', async (from) => ({ text: from.instructions() })],
])('%s are listed as in their snapshot', async (name, listed) => {
  await expect(`${JSON.stringify(await listed(story), null, 2)}\n`).toMatchFileSnapshot(`./listed/${name}.json`);
});

it('instructions are not cut by any host', () => {
  expect(story.instructions()?.length).toBeLessThan(2_048);
});
