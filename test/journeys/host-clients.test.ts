/** Each host's client is played: what it would drop is never the only copy of a fact, and nothing makes it throw. */
import { afterEach, describe, expect, it } from 'vitest';
import { HOST_CLIENTS, NARROW_CLIENTS, WITHOUT_PICTURES } from '../support/host-clients.ts';
import { type Answer, type Story, startStory } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const ORDER = { prompt: 'A kite over dunes', width: 512, height: 256 };
/** As text and as data say it. */
const FINISHED = [
  /(?:File: |"file":").+\.jpg/,
  /(?:URL: |"url":")http/,
  /job_[a-z0-9]+/,
  /512/,
  /[Ss]andbox/,
  /Show the picture/,
];

async function finished(clientName: string, args: object = {}): Promise<Answer> {
  story = await startStory({ clientName, sandbox: { jobDurationMs: 0 } });
  return story.call('generate_image', { ...ORDER, ...args });
}

describe.each(HOST_CLIENTS)('%s', (clientName, player) => {
  const showsPictures = !WITHOUT_PICTURES.includes(clientName);

  it('learns all of a finished picture, and sees it', async () => {
    const seen = player(await finished(clientName));
    for (const fact of FINISHED) expect(seen.text).toMatch(fact);
    expect(seen.text).toMatch(/\d+ credits|"exact":\d+/);
    expect(seen.pictures).toBe(showsPictures ? 1 : 0);
  });

  it('sees a picture that is as large as they come', async () => {
    const seen = player(
      await finished(clientName, { width: 2_048, height: 2_048, max_credits: 100, wait_seconds: 300 }),
    );
    expect(seen.text).toMatch(/(?:File: |"file":").+\.jpg/);
    expect(seen.pictures).toBe(showsPictures ? 1 : 0);
  });

  it('learns of a job that is under way how to go on', async () => {
    story = await startStory({ clientName, sandbox: { jobDurationMs: 60_000 } });
    const seen = player(await story.call('generate_image', { ...ORDER, wait_seconds: 0 }));
    expect(seen.text).toMatch(/get_job_status with job_id/);
    expect(seen.text).toMatch(/do not call generate_image again/);
  });

  it('learns why there is no picture, and whether it was paid for', async () => {
    story = await startStory({ clientName, sandbox: { jobDurationMs: 0, scenarios: ['moderated'] } });
    const seen = player(await story.call('generate_image', ORDER));
    expect(seen.text).toMatch(/[Cc]redits (?:were|are|may have been) spent|"credits_spent":"\w+"/);
    expect(seen.text).toMatch(/Next: |"next":"/);
  });

  it('learns why a call was refused', async () => {
    story = await startStory({ clientName });
    const seen = player(await story.call('generate_image', { ...ORDER, width: 100 }));
    expect(seen.text).toMatch(/width/);
    expect(seen.text).toMatch(/256/);
  });

  it('learns of every picture of a batch', async () => {
    story = await startStory({ clientName, sandbox: { jobDurationMs: 0 } });
    const images = ['A kite', 'A lamp', 'A boat'].map((prompt) => ({ prompt, width: 512, height: 512 }));
    const seen = player(await story.call('generate_images', { images, wait_seconds: 60 }));
    expect(seen.text.match(/(?:File: |"file":")/g)?.length).toBeGreaterThanOrEqual(3);
    expect(seen.pictures).toBe(showsPictures ? 3 : 0);
  });
});

it.each(NARROW_CLIENTS)('a host that takes %s learns all', async (_, player) => {
  const seen = player(await finished('some-agent-framework'));
  for (const fact of FINISHED) expect(seen.text).toMatch(fact);
});
