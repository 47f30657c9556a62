/** Proves how a batch is shown: by single previews where these can be judged and are made in time, else by a contact sheet. */
import { describe, expect, it } from 'vitest';
import type { PreviewBounds, ShownPicture } from '../../../src/core/image-store.ts';
import type { Job } from '../../../src/core/job.ts';
import { IMAGE_SIDE_MAX_PX } from '../../../src/mcp/hosts.ts';
import { jobsResult } from '../../../src/mcp/result.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

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

type Shown = { side?: number; previewMs?: number; failed?: readonly number[]; hasSheet?: boolean; maxSidePx?: number };

/** The result for ten pictures whose previews have such a side and take so long each; `failed`: places without a picture. */
async function resultOf({ side = 256, previewMs = 100, failed = [], hasSheet = true, maxSidePx }: Shown) {
  const jobs = Array.from({ length: 10 }, (_, at) =>
    failed.includes(at)
      ? sampleJob({ id: `job_${at}`, state: 'failed', failure: sampleFailure() })
      : sampleJob({ id: `job_${at}`, state: 'saved', file: `/pictures/${at}.jpg`, mediaType: 'image/jpeg' }),
  );
  let time = 0;
  const asked: PreviewBounds[] = [];
  const pictureOf = async (_: Job, bounds: PreviewBounds): Promise<ShownPicture> => {
    time += previewMs;
    asked.push(bounds);
    return { ...PREVIEW, size: { width: side, height: Math.round(side / 2) } };
  };
  const sheets: { numbers: readonly number[]; bounds: PreviewBounds }[] = [];
  const sheetOf = async (_: readonly Job[], numbers: readonly number[], bounds: PreviewBounds) => {
    sheets.push({ numbers, bounds });
    return hasSheet ? { ...PREVIEW, bytes: new Uint8Array([1, 2, 3]) } : undefined;
  };
  const outcome = { type: 'jobs' as const, jobs, duplicates: [] };
  const deps = {
    view: TIMES,
    pictureOf,
    sheetOf,
    redact: (words: string) => words,
    clock: { ...systemClock, monotonic: () => time },
  };
  const form = { ...FORM, ...(maxSidePx !== undefined && { maxSidePx }) };
  const { content } = await jobsResult(outcome, form, deps);
  const [text] = content;
  if (text?.type !== 'text') throw new Error('the text does not stand first');
  const pictures = content.flatMap((part) => (part.type === 'image' ? [part.data] : []));
  return { pictures, text: text.text, tookMs: time, sheets, asked };
}

const SHEET = 'contact sheet of the finished pictures, numbered as above; the files have the full size.';

describe('the pictures of a batch', () => {
  it('are shown one by one where each can be judged, with equal shares of the room', async () => {
    const { pictures, text, sheets, asked } = await resultOf({});
    expect(pictures).toHaveLength(10);
    expect(text).toContain('Pictures are shown smaller than they are; the files have the full size.');
    expect(sheets).toEqual([]);
    expect(new Set(asked.map(({ maxBytes }) => maxBytes)).size).toBe(1);
  });

  it('are one contact sheet where single ones would be smaller, with all of the room', async () => {
    const { pictures, text, sheets, asked, tookMs } = await resultOf({ side: 255 });
    expect(pictures).toEqual(['AQID']);
    expect(text).toContain(SHEET);
    expect(sheets).toHaveLength(1);
    expect(sheets[0]?.bounds.maxBytes).toBeGreaterThan(9.9 * (asked[0]?.maxBytes ?? 0));
    // The first one shows it.
    expect(tookMs).toBe(100);
  });

  it('have in the sheet the numbers of the entries, whatever has failed', async () => {
    const { sheets } = await resultOf({ side: 100, failed: [0, 4] });
    expect(sheets[0]?.numbers).toEqual([2, 3, 4, 6, 7, 8, 9, 10]);
  });

  it('are as small as the user wants them', async () => {
    expect((await resultOf({ side: 128, maxSidePx: 128 })).pictures).toHaveLength(10);
  });

  it('are previewed for six seconds at most; then the sheet shows all of them', async () => {
    const { pictures, text, tookMs } = await resultOf({ previewMs: 2_000 });
    expect(tookMs).toBeLessThanOrEqual(8_000);
    expect(pictures).toEqual(['AQID']);
    expect(text).toContain(SHEET);
  });

  it('are named by their files where no sheet can be made', async () => {
    const { pictures, text } = await resultOf({ side: 100, hasSheet: false });
    expect(pictures).toEqual([]);
    expect(text).toContain('This answer has no previews');
  });

  it('that are one alone are shown however small and slow', async () => {
    const { pictures, sheets } = await resultOf({ side: 64, previewMs: 60_000, failed: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
    expect(pictures).toHaveLength(1);
    expect(sheets).toEqual([]);
  });
});
