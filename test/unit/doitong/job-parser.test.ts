/** Proves how a job is read from whatever fields the service sent. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RemoteJob } from '../../../src/core/image-provider.ts';
import { JobParser } from '../../../src/doitong/job-parser.ts';
import { phaseOf } from '../../../src/doitong/wire-values.ts';
import { wordsOf } from '../../support/words.ts';

const asItIs = (text: string): string => text;
function parse(raw: Record<string, unknown>, askedId?: string): { job: RemoteJob | undefined; lines: string[] } {
  const lines: string[] = [];
  const line = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: line, info: line, warn: line, error: line };
  const texts = { redact: asItIs, removeSecrets: asItIs };
  const parser = new JobParser({ ...texts, log, origin: 'https://api.doitong.com' });
  return { job: parser.take({ job: raw, errors: [] }, askedId), lines };
}
const read = (raw: Record<string, unknown>, askedId?: string): RemoteJob | undefined => parse(raw, askedId).job;

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

describe('a job', () => {
  it('reads a job in progress and a finished one', () => {
    expect(read({ id: 'a', status: 'processing', url: null, creditCost: 12 })).toEqual({
      remoteId: 'a',
      phase: 'processing',
      remoteStatus: 'processing',
      creditCost: 12,
    });
    expect(read({ id: 7, status: 'Done', url: 'https://cdn/a.jpg', creditCost: '12.5' })).toEqual({
      remoteId: '7',
      phase: 'completed',
      remoteStatus: 'Done',
      url: 'https://cdn/a.jpg',
      creditCost: 12.5,
    });
  });

  it.each([undefined, null, '', '  ', true, {}, ['a'], 'a\nb', 'a\u0000', 'x'.repeat(201), '\uD800'])(
    'takes no job with the id %j',
    (id) => {
      expect(read({ id, status: 'completed', url: 'https://cdn/a.jpg' })).toBeUndefined();
    },
  );

  it('needs no id when it was asked for one', () => {
    expect(read({ status: 'queued' }, 'a')).toMatchObject({ remoteId: 'a' });
  });

  it('treats an unknown status and a finish without a picture as processing, and says so', () => {
    const unknown = parse({ id: 'a', status: 'Upscaling', url: 'https://cdn/a.jpg' });
    expect(unknown.job).toMatchObject({ phase: 'processing', remoteStatus: 'Upscaling' });
    expect(unknown.lines.join()).toContain('unknown_status');
    const without = parse({ id: 'a', status: 'completed', url: '' });
    expect(without.job).toMatchObject({ phase: 'processing', remoteStatus: 'completed' });
    expect(without.lines.join()).toContain('completed_without_url');
  });

  it.each([
    ['/outputs/a.jpg', 'https://api.doitong.com/outputs/a.jpg'],
    ['outputs/a.jpg', 'https://api.doitong.com/outputs/a.jpg'],
    ['./a.jpg', 'https://api.doitong.com/a.jpg'],
    ['?file=a', 'https://api.doitong.com/?file=a'],
    ['//cdn.doitong.com/a.jpg', 'https://cdn.doitong.com/a.jpg'],
    ['  https://CDN.doitong.com/a.jpg\n', 'https://cdn.doitong.com/a.jpg'],
    ['https://cdn/a.jpg IGNORE ALL', 'https://cdn/a.jpg%20IGNORE%20ALL'],
    [`https://cdn/${'a'.repeat(4_000)}`, `https://cdn/${'a'.repeat(4_000)}`],
  ])('resolves and normalizes the address %j', (url, expected) => {
    expect(read({ id: 'a', status: 'completed', url })).toEqual({
      remoteId: 'a',
      phase: 'completed',
      remoteStatus: 'completed',
      url: expected,
    });
  });

  it.each([
    [`https://cdn/${'a'.repeat(5_000)}`, '5,012 characters long'],
    ['https://cdn/a\u0000.jpg', 'control characters'],
    ['https://cdn/a\n.jpg', 'control characters'],
    ['https://[::1', 'not a URL'],
    ['file:///etc/passwd', 'not an https address'],
    ['javascript:alert(1)', 'not an https address'],
    ['C:\\outputs\\a.jpg', 'not an https address'],
    ['é'.repeat(4_000), 'characters long, which is too long'],
  ])('ends a job whose address cannot be used, and says why: %.40j', (url, reason) => {
    const job = read({ id: 'a', status: 'completed', url });
    expect(job).toMatchObject({ phase: 'completed', failure: { kind: 'download_failed', creditsSpent: 'yes' } });
    expect(job).not.toHaveProperty('url');
    const { what } = wordsOf(job?.failure);
    expect(what).toContain(reason);
    expect(what.length).toBeLessThan(300);
  });

  it('takes a data URL of any length for the picture itself', () => {
    for (const data of ['data:image/png;base64,AAAA', `DATA:image/jpeg,${'%00'.repeat(10_000)}`]) {
      const job = read({ id: 'a', status: 'completed', url: ` ${data}` });
      expect(job).toMatchObject({ phase: 'completed', inlinePicture: data });
      expect(job).not.toHaveProperty('url');
    }
  });

  it.each([
    [{ output: { url: 'https://cdn/a.jpg' } }],
    [{ output: { image: { href: 'https://cdn/a.jpg' } } }],
    [{ output: 'https://cdn/a.jpg' }],
    [{ output: ['https://cdn/a.jpg', 'https://cdn/b.jpg'] }],
    [{ result: { images: [{ url: 'https://cdn/a.jpg' }] } }],
    [{ images: [{ url: 'https://cdn/a.jpg', width: 1 }] }],
    [{ images: ['https://cdn/a.jpg'] }],
    [{ image: 'https://cdn/a.jpg' }],
    [{ imageUrl: 'https://cdn/a.jpg', thumbnailUrl: 'https://cdn/small.jpg' }],
    [{ image_url: 'https://cdn/a.jpg', webhookUrl: 'https://me/hook' }],
    [{ download_url: 'https://cdn/a.jpg' }],
    [{ url: null, output: { url: 'https://cdn/a.jpg' }, input: { image_url: 'https://me/in.jpg' } }],
    [{ url: ['https://cdn/a.jpg'] }],
    [{ url: '', data: { output: { link: 'https://cdn/a.jpg' } } }],
  ])('finds the address in %j', (fields) => {
    expect(read({ id: 'a', status: 'completed', ...fields })).toMatchObject({ url: 'https://cdn/a.jpg' });
  });

  it('takes no link for the picture of a job that does not say that it is finished', () => {
    const link = 'https://api/jobs/a';
    for (const fields of [{ link }, { href: link }, { statusUrl: link }, { urls: { get: link } }]) {
      expect(read({ id: 'a', ...fields })?.phase).toBe('processing');
    }
    expect(read({ id: 'a', output: ['https://cdn/a.jpg'] })).toMatchObject({ url: 'https://cdn/a.jpg' });
  });

  it('judges a job without a status by its picture', () => {
    expect(read({ id: 'a', url: 'https://cdn/a.jpg' })?.phase).toBe('completed');
    expect(read({ id: 'a' })?.phase).toBe('processing');
  });

  it.each([
    [{ status: 'failed' }, 'generation_failed', 'maybe'],
    [{ status: 'ERROR', creditCost: 0 }, 'generation_failed', 'maybe'],
    [{ status: 'expired', creditCost: 12 }, 'generation_failed', 'maybe'],
    [{ status: 'moderated', creditCost: 12 }, 'moderated', 'maybe'],
    [{ status: 'Rejected' }, 'moderated', 'maybe'],
  ])('says of %j why there is no picture', (raw, kind, creditsSpent) => {
    expect(read({ id: 'a', ...raw })).toMatchObject({ phase: 'failed', failure: { kind, creditsSpent } });
  });

  it.each([
    [{ error: 'out of memory' }],
    [{ error: { message: 'out of memory' } }],
    [{ failureReason: 'out of memory' }],
    [{ metadata: { error: { code: 'X', message: 'out of memory' } } }],
    [{ metadata: { reason: 'out of memory' } }],
  ])("quotes the service's reason in %j", (raw) => {
    const failure = read({ id: 'a', status: 'failed', ...raw })?.failure;
    expect(wordsOf(failure).what).toBe(
      'The service ended the job without a picture (status "failed"): "out of memory".',
    );
  });

  it('never throws, and a completed job always has its picture or says why it cannot be fetched', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('id', 'status', 'url', 'creditCost', 'error', 'metadata'), fc.jsonValue()),
        (raw) => {
          const job = read(raw, 'a');
          if (job?.phase === 'completed') expect(job.url ?? job.inlinePicture ?? job.failure).toBeDefined();
          if (job?.phase === 'failed') expect(job.failure).toBeDefined();
        },
      ),
    );
  });
});
