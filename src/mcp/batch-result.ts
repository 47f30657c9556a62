/** Puts the answer to a call for several pictures together: text, as many pictures as fit, links, and data. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { ShownPicture } from '../core/preview.ts';
import { type BatchView, batchText, batchView } from './batch-text.ts';
import type { JobView, JobViewOptions } from './job-view.ts';
import { VIEWER_META } from './resources/uris.ts';
import { type ResultForm, resultOf } from './result.ts';
import { type Cuts, dataView, textView } from './result-cuts.ts';
import { type PictureSource, picturesWithin } from './shown-picture.ts';
import type { JobsOutcome } from './tool.ts';

/**
 * @param pictureOf called for one finished picture after the other, each with its share of the remaining room
 * @param now monotonic milliseconds
 */
export function batchResult(
  outcome: JobsOutcome,
  form: ResultForm,
  options: JobViewOptions,
  pictureOf: PictureSource,
  now: () => number,
): Promise<CallToolResult> {
  const view = batchView(outcome, options);
  const saved = outcome.jobs.filter(({ state }) => state === 'saved');
  const viewOf = (change: (job: JobView) => JobView): BatchView => ({ ...view, jobs: view.jobs.map(change) });
  const data = (cuts: Cuts): BatchView => viewOf((job) => dataView(job, cuts));
  const forms = {
    views: view.jobs,
    saved,
    isError: view.failed === view.jobs.length,
    data,
    viewerData: (cuts: Cuts) => ({ [`${VIEWER_META}jobs`]: data(cuts).jobs }),
    text: (cuts: Cuts, notes: readonly string[]) => {
      const reported = viewOf((job) => textView(job, cuts));
      return batchText(reported, outcome, notes, cuts.bareText);
    },
  };
  return resultOf(forms, form, 'batch', async (characters) => {
    const shown = await picturesWithin(saved, { characters, maxSidePx: form.maxSidePx }, pictureOf, now);
    const numbers = [...shown.keys()].map((job) => outcome.jobs.indexOf(job) + 1);
    const pictures = [...shown.values()];
    return { pictures, notes: notesOn(pictures, numbers, saved.length) };
  });
}

function notesOn(shown: readonly ShownPicture[], numbers: readonly number[], saved: number): string[] {
  const elsewhere = 'see the files or the resources flux://images/{job_id}.';
  if (shown.length === 0)
    return [`This answer has no previews, because they would exceed what this host accepts; ${elsewhere}`];
  return [
    ...(shown.length < saved
      ? [`This answer shows, in this order: ${listed(numbers)}. For the other finished pictures, ${elsewhere}`]
      : []),
    ...(shown.some(({ isPreview }) => isPreview)
      ? ['Pictures are shown smaller than they are; the files have the full size.']
      : []),
  ];
}

function listed(numbers: readonly number[]): string {
  const first = numbers[0] ?? 0;
  const last = numbers.at(-1) ?? 0;
  if (numbers.length > 2 && last - first === numbers.length - 1) return `pictures ${first} to ${last}`;
  return `${numbers.length === 1 ? 'picture' : 'pictures'} ${numbers.join(', ')}`;
}
