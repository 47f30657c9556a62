/** Proves that the previews of a batch end in time, so that nobody waits for fifty of them. */
import { describe, expect, it } from 'vitest';
import type { ShownPicture } from '../../../src/core/image-store.ts';
import { IMAGE_SIDE_MAX_PX } from '../../../src/mcp/hosts.ts';
import { jobsResult } from '../../../src/mcp/result.ts';
import { CREATED_AT, sampleJob } from '../core/sample-jobs.ts';

const TIMES = { now: CREATED_AT };
const FORM = {
  content: ['text', 'image'] as const,
  maxCharacters: 1_000_000,
  maxBatchCharacters: 1_000_000,
  maxSidePx: IMAGE_SIDE_MAX_PX,
  hasViewer: false,
};
const PREVIEW: ShownPicture = {
  bytes: new Uint8Array(3_000),
  mediaType: 'image/jpeg',
  size: { width: 256, height: 256 },
  isPreview: true,
};

/** The result for ten finished pictures whose previews take so long each. */
async function resultWhen(previewMs: number) {
  const jobs = Array.from({ length: 10 }, (_, at) =>
    sampleJob({ id: `job_${at}`, state: 'saved', file: `/pictures/${at}.jpg`, mediaType: 'image/jpeg' }),
  );
  let time = 0;
  const pictureOf = async (): Promise<ShownPicture> => {
    time += previewMs;
    return PREVIEW;
  };
  const outcome = { type: 'jobs' as const, jobs, duplicates: [], repeatable: true };
  const deps = { view: TIMES, pictureOf, redact: (words: string) => words, now: () => time };
  const { content } = await jobsResult(outcome, FORM, deps);
  const [text] = content;
  if (text?.type !== 'text') throw new Error('the text does not stand first');
  return { pictures: content.filter(({ type }) => type === 'image').length, text: text.text, tookMs: time };
}

describe('the previews of a batch', () => {
  it('are all in the answer when they are made quickly', async () => {
    const { pictures, text } = await resultWhen(100);
    expect(pictures).toBe(10);
    expect(text).not.toContain('other finished pictures');
  });

  it('are made for six seconds at most, and the answer says which of them it shows', async () => {
    const { pictures, text, tookMs } = await resultWhen(2_000);
    expect(tookMs).toBeLessThanOrEqual(8_000);
    expect(pictures).toBe(4);
    expect(text).toContain('pictures 1 to 4');
    expect(text).toContain('other finished pictures');
  });

  it('have one at least, however long it takes', async () => {
    expect(await resultWhen(60_000)).toMatchObject({ pictures: 1, tookMs: 60_000 });
  });
});
