/** Proves how a job is read from whatever fields the service sent. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteWith } from '../../../src/doitong/failures.ts';
import { phaseOf } from '../../../src/doitong/statuses.ts';
import { readWireJob } from '../../../src/doitong/wire-job.ts';

const quote = quoteWith((text) => text);
const read = (raw: Record<string, unknown>): ReturnType<typeof readWireJob> => readWireJob(raw, quote);

describe('phaseOf', () => {
  it.each([
    [
      'processing',
      ['processing', 'pending', 'queued', 'starting', 'running', 'in_progress', 'IN-PROGRESS', ' Queued '],
    ],
    ['completed', ['completed', 'succeeded', 'success', 'done', 'ready', 'COMPLETED']],
    ['failed', ['failed', 'error', 'canceled', 'cancelled', 'expired', 'rejected', 'moderated', 'Failed']],
    [undefined, ['upscaling', '', 'constructor']],
  ])('is %s', (phase, words) => {
    for (const word of words) expect(phaseOf(word)).toBe(phase);
  });
});

describe('readWireJob', () => {
  it('reads a job in progress and a finished one', () => {
    expect(read({ id: 'a', status: 'processing', url: null, creditCost: 12 })).toEqual({
      job: { remoteId: 'a', phase: 'processing', remoteStatus: 'processing', creditCost: 12 },
    });
    expect(read({ id: 7, status: 'Done', url: 'https://cdn/a.jpg', creditCost: '12.5' })).toEqual({
      job: { remoteId: '7', phase: 'completed', remoteStatus: 'Done', url: 'https://cdn/a.jpg', creditCost: 12.5 },
    });
  });

  it.each([undefined, null, '', '  ', true, {}, ['a'], 'a\nb', 'a\u0000', 'x'.repeat(201), '\uD800'])(
    'takes no job with the id %j',
    (id) => {
      expect(read({ id, status: 'completed', url: 'https://cdn/a.jpg' })).toBeUndefined();
    },
  );

  it('needs no id when it was asked for one', () => {
    expect(readWireJob({ status: 'queued' }, quote, { remoteId: 'a' })?.job).toMatchObject({ remoteId: 'a' });
  });

  it('treats an unknown status and a finish without a picture as processing, and says so', () => {
    expect(read({ id: 'a', status: 'Upscaling', url: 'https://cdn/a.jpg' })).toMatchObject({
      job: { phase: 'processing', remoteStatus: 'Upscaling' },
      oddity: 'unknown_status',
    });
    expect(read({ id: 'a', status: 'completed', url: '' })).toMatchObject({
      job: { phase: 'processing', remoteStatus: 'completed' },
      oddity: 'completed_without_url',
    });
  });

  it('judges a job without a status by its picture', () => {
    expect(read({ id: 'a', url: 'https://cdn/a.jpg' })?.job.phase).toBe('completed');
    expect(read({ id: 'a' })?.job.phase).toBe('processing');
  });

  it.each([
    [{ status: 'failed' }, 'generation_failed', 'maybe'],
    [{ status: 'ERROR', creditCost: 0 }, 'generation_failed', 'maybe'],
    [{ status: 'expired', creditCost: 12 }, 'generation_failed', 'maybe'],
    [{ status: 'moderated', creditCost: 12 }, 'moderated', 'maybe'],
    [{ status: 'Rejected' }, 'moderated', 'maybe'],
  ])('tells of %j why there is no picture', (raw, kind, creditsSpent) => {
    expect(read({ id: 'a', ...raw })?.job).toMatchObject({ phase: 'failed', failure: { kind, creditsSpent } });
  });

  it.each([
    [{ error: 'out of memory' }],
    [{ error: { message: 'out of memory' } }],
    [{ failureReason: 'out of memory' }],
    [{ metadata: { error: { code: 'X', message: 'out of memory' } } }],
    [{ metadata: { reason: 'out of memory' } }],
  ])("quotes the service's reason in %j", (raw) => {
    const failure = read({ id: 'a', status: 'failed', ...raw })?.job.failure;
    expect(failure?.message).toBe('The service ended the job without a picture (status "failed"): "out of memory".');
  });

  it('never throws, and a completed job always has its picture', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('id', 'status', 'url', 'creditCost', 'error', 'metadata'), fc.jsonValue()),
        (raw) => {
          const job = readWireJob(raw, quote, { remoteId: 'a' })?.job;
          if (job?.phase === 'completed') expect(job.url).toBeTypeOf('string');
          if (job?.phase === 'failed') expect(job.failure).toBeDefined();
        },
      ),
    );
  });
});
