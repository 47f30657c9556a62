/** The text of records and shared values: what was written reads back, and damage never passes for it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobSchema } from '../../../src/core/job.ts';
import { readStored, storedText } from '../../../src/storage/versioned-file.ts';
import { sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const job = sampleJob({
  state: 'processing',
  request: { prompt: 'Ein Fuchs im Schnee 🦊, "gemalt"', width: 1024, height: 768, version: 'flux-pro-1.1' },
  webhookUrl: 'https://hooks.example.org/doitong?job=7',
  remoteId: 'dt_1',
  failure: sampleFailure(),
});
const text = storedText(job, ['a.1', 'b.7']);
const readRecord = (stored: string) => readStored(stored, jobSchema);

describe('a record', () => {
  it('reads back as it was written', () => {
    expect(readRecord(text)).toEqual({ type: 'value', value: job, changes: ['a.1', 'b.7'] });
  });

  it('is damaged when any character is another one, however well it reads', () => {
    const anywhere = fc.nat(text.length - 1);
    fc.assert(
      fc.property(anywhere, fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }), (at, other) => {
        fc.pre(text[at] !== other);
        const read = readRecord(text.slice(0, at) + other + text.slice(at + 1));
        // Outside the job and its checksum a character may change without any loss: then the job is the same.
        if (read.type === 'value') expect(read.value).toEqual(job);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is damaged when it is cut anywhere', () => {
    for (let at = 0; at < text.length - 2; at += 1) expect(readRecord(text.slice(0, at)).type).toBe('damaged');
  });

  it('is taken without a checksum when it holds a job, as when somebody wrote it by hand', () => {
    expect(readRecord(JSON.stringify({ format: 1, value: job }))).toEqual({ type: 'value', value: job, changes: [] });
    expect(readRecord(JSON.stringify({ format: 1, value: { ...job, state: 'lost' } })).type).toBe('damaged');
  });

  it('of a newer version is told as such', () => {
    expect(readRecord(text.replace('"format":1', '"format":2'))).toMatchObject({
      type: 'newer',
      value: { id: job.id },
    });
  });
});
