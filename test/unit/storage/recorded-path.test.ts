/** Proves that no recorded path leads out of the output folder, whatever stands in it. */
import { join, resolve, sep } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stepsBelow, withAbsolutePath, withRecordedPath } from '../../../src/storage/output-folder.ts';
import { sampleJob } from '../core/sample-jobs.ts';

const ROOT = resolve('/pictures');

it('every path that is followed stays inside the output folder', () => {
  const step = fc.constantFrom(
    '..',
    '.',
    '',
    '~',
    'a.jpg',
    '2026-11',
    'C:',
    'nul',
    'a\0b',
    'con.jpg',
    '\\..\\',
    ' ',
    'a:b',
  );
  const path = fc.oneof(
    fc.string(),
    fc.array(step, { maxLength: 12 }).map((steps) => steps.join('/')),
  );
  fc.assert(
    fc.property(path, fc.constantFrom('', '/', `${ROOT}/`, `${ROOT}/../`, '\\\\server\\'), (file, before) => {
      const steps = stepsBelow(ROOT, before + file);
      if (steps === undefined) return;
      const followed = resolve(join(ROOT, ...steps));
      expect(followed.startsWith(ROOT + sep)).toBe(true);
      expect(steps.join('/')).not.toMatch(/[:\\\0]/u);
    }),
    { numRuns: 2_000 },
  );
});

it('a saved picture keeps its place on the way to the record and back', () => {
  const job = sampleJob({ state: 'saved', file: join(ROOT, '2026-11', 'ein-füchslein_job_1.jpg') });
  const recorded = withRecordedPath(job, ROOT);
  expect(recorded.file).toBe('2026-11/ein-füchslein_job_1.jpg');
  expect(withAbsolutePath(recorded, ROOT)).toEqual(job);
});

it('a picture elsewhere counts as finished and not saved', () => {
  const job = withAbsolutePath(sampleJob({ state: 'saved', file: '/etc/passwd' }), ROOT);
  expect(job).toMatchObject({ state: 'completed' });
  expect(job).not.toHaveProperty('file');
});
