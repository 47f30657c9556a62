/** Proves that ids are unique, and safe in file names, URIs and headers. */
import { describe, expect, it } from 'vitest';
import { randomIds } from '../../../src/runtime/random-ids.ts';

describe('randomIds', () => {
  it('makes job ids of letters and digits', () => {
    expect(randomIds.jobId()).toMatch(/^job_[a-z0-9]{20}$/u);
  });

  it('makes keys that are UUIDs', () => {
    expect(randomIds.idempotencyKey()).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u);
  });

  it('never makes one twice', () => {
    for (const make of [randomIds.jobId, randomIds.idempotencyKey]) {
      expect(new Set(Array.from({ length: 2_000 }, make)).size).toBe(2_000);
    }
  });
});
