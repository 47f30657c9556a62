/** What an agent reads before it calls anything, from the packed program: whole sentences that say the limits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { RawHost } from '../support/raw-host.ts';
import { brokenLines } from '../support/whole-sentences.ts';

const packed = await unpackPackage();
let host: RawHost;
let instructions: string;
beforeAll(async () => {
  host = new RawHost(await packed.start(['serve', '--sandbox']));
  const { result } = await host.handshake();
  instructions = String(result?.instructions);
});
afterAll(() => packed.close());

async function promptText(name: string, args: Record<string, string>): Promise<string> {
  const { result } = await host.ask('prompts/get', { name, arguments: args });
  const messages = (result?.messages ?? []) as { content: { text: string } }[];
  return messages.map(({ content }) => content.text).join('\n');
}

async function resourceText(uri: string): Promise<string> {
  const { result } = await host.ask('resources/read', { uri });
  const contents = (result?.contents ?? []) as { text: string }[];
  return contents.map(({ text }) => text).join('\n');
}

describe('the instructions', () => {
  it('are whole sentences, one on each line', () => {
    expect(brokenLines(instructions)).toEqual([]);
    expect(instructions.split('\n').length).toBeGreaterThan(7);
  });

  it('name every status with which a job is not finished, and what to call then', () => {
    for (const status of ['queued', 'submitting', 'processing']) expect(instructions).toContain(`"${status}"`);
    expect(instructions).toContain('call get_job_status with its job_id');
  });

  it('fit where Claude Code cuts them', () => {
    expect(instructions.length).toBeLessThanOrEqual(2_048);
  });

  it('leave it to generate_image to say for how long an equal call is found, and promise nothing of their own', async () => {
    const tools = (await host.ask('tools/list')).result?.tools as { name: string; description: string }[];
    const { description } = tools.find(({ name }) => name === 'generate_image') ?? {};
    expect(description).toMatch(/An equal call .* until a day after the picture was saved .*FLUX_DUPLICATE_HOURS/);
    expect(instructions).not.toMatch(/equal call|repeated call|costs? nothing|no cost/);
  });
});

describe('a text of several lines', () => {
  it.each<[string, () => Promise<string>]>([
    ['compose_image_prompt', () => promptText('compose_image_prompt', { subject: 'A kite.' })],
    ['review_image_prompt', () => promptText('review_image_prompt', { prompt: 'A kite.', purpose: 'a blog header' })],
    ['flux://guide/prompting', () => resourceText('flux://guide/prompting')],
  ])('has only whole sentences: %s', async (_name, text) => {
    const lines = await text();
    expect(lines).not.toBe('');
    expect(brokenLines(lines.replaceAll('"""', ''))).toEqual([]);
  });
});
