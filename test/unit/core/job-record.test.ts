/** Proves the form of a job on disk: what was written reads back, and damage never passes for a record. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecord, recordText } from '../../../src/core/job-record.ts';
import { sampleFailure, sampleJob } from './sample-jobs.ts';

const job = sampleJob({
  state: 'processing',
  request: { prompt: 'Ein Fuchs im Schnee 🦊, "gemalt"', width: 1024, height: 768, version: 'flux-pro-1.1' },
  webhookUrl: 'https://hooks.example.org/doitong?job=7',
  remoteId: 'dt_1',
  failure: sampleFailure(),
});
const text = recordText(job);

describe('a record', () => {
  it('reads back as it was written', () => {
    expect(readRecord(text)).toEqual({ type: 'job', job });
  });

  it('is damaged when any character is another one, however well it reads', () => {
    const anywhere = fc.nat(text.length - 1);
    fc.assert(
      fc.property(anywhere, fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }), (at, other) => {
        fc.pre(text[at] !== other);
        const read = readRecord(text.slice(0, at) + other + text.slice(at + 1));
        // Outside the job and its sum a character may change without any loss: then the job is the same.
        if (read.type === 'job') expect(read.job).toEqual(job);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is damaged when it is cut anywhere', () => {
    for (let at = 0; at < text.length - 2; at += 1) expect(readRecord(text.slice(0, at)).type).toBe('damaged');
  });

  it('is taken without a sum when it holds a job, as when somebody wrote it by hand', () => {
    expect(readRecord(JSON.stringify({ schema: 1, job }))).toEqual({ type: 'job', job });
    expect(readRecord(JSON.stringify({ schema: 1, job: { ...job, state: 'lost' } })).type).toBe('damaged');
  });

  it('of a newer version is told as such', () => {
    expect(readRecord(text.replace('"schema":1', '"schema":2'))).toMatchObject({ type: 'newer' });
  });
});
