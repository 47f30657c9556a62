/** Proves that names are split into words however they are spelled, and that names of other things are told apart. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOutputName, isUrlName, isWrapperName, wordsOf } from '../../../../src/doitong/schema/name-words.ts';

describe('wordsOf', () => {
  it.each([
    ['jobId', ['job', 'id']],
    ['job_ids', ['job', 'id']],
    ['jobIDs', ['job', 'id']],
    ['JOB_ID', ['job', 'id']],
    ['jobids', ['job', 'id']],
    ['imageURLs', ['image', 'url']],
    ['outputuris', ['output', 'uri']],
    ['HTTPStatus', ['http', 'status']],
    ['statuses', ['status']],
    ['entries', ['entry']],
    ['job1', ['job']],
    ['generationJobV2', ['generation', 'job', 'v']],
    ['valid', ['valid']],
    ['android', ['android']],
    ['__typename', ['type', 'name']],
    ['_', []],
    ['A'.repeat(1_000_000), []],
  ])('%s', (name, words) => {
    expect(wordsOf(name)).toEqual(words);
  });

  it('ends soon for any name', () => {
    const piece = fc.constantFrom('id', 'ids', 'run', 'img', 'image', 'art', 'by', 'of', 'x', 'state', 's');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.string(), (pieces, text) => {
        expect(wordsOf(pieces.join('')).join('').length).toBeLessThanOrEqual(pieces.join('').length);
        wordsOf(text);
      }),
    );
  });
});

it.each([
  [
    'an address of a picture',
    isUrlName,
    'url imageUrl image_url resultURI signedDownloadUrl src href outputSvgUrls mediaLink',
  ],
  ['something made', isOutputName, 'output results images generatedImage files artifacts sample'],
  ['a way to a job', isWrapperName, 'edges node items data job tasks result imageJobs'],
])('%s', (_, is, names) => {
  for (const name of names.split(' ')) expect([name, is(wordsOf(name))]).toEqual([name, true]);
});

it.each([
  [
    'no address of a picture',
    isUrlName,
    'thumbnailUrl webhookUrl inputImageUrl avatarUrl userImageUrl urls_get statusUrl curl',
  ],
  ['nothing made', isOutputName, 'input inputImage thumbnail avatar mask user logs _'],
  ['no way to a job', isWrapperName, 'user userErrors webhook invoices pageInfo _'],
])('%s', (_, is, names) => {
  for (const name of names.split(' ')) expect([name, is(wordsOf(name))]).toEqual([name, false]);
});
