/** Proves that a secret that turns up late is removed by a redactor that was handed out before. */
import { describe, expect, it } from 'vitest';
import { Secrets } from '../../../src/core/redaction.ts';

describe('Secrets', () => {
  it('removes those known from the start and those added later', () => {
    const secrets = new Secrets(['first-secret']);
    const { redact } = secrets;
    expect(redact('first-secret second-secret')).toBe('[redacted] second-secret');
    secrets.add('second-secret');
    secrets.add('second-secret');
    expect(redact('first-secret second-secret')).toBe('[redacted] [redacted]');
  });
});
