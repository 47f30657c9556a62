/** Proves that no secret leaves in a result, however deep it lies, and that pictures pass untouched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/core/redaction.ts';
import { redactResult } from '../../../src/mcp/result.ts';

const KEY = 'dt_live_12345678';
const redact = createRedactor([KEY]);

describe('redactResult', () => {
  it('cleans what goes to the viewer alone, names of fields included', () => {
    const result = redactResult({ content: [], _meta: { job: { prompt: `x ${KEY}`, [KEY]: 1 } } }, redact);
    expect(result._meta).toEqual({ job: { prompt: 'x [redacted]', '[redacted]': 1 } });
  });

  it('cleans words and data at every depth', () => {
    const result = redactResult(
      {
        content: [{ type: 'text', text: `the key is ${KEY}` }],
        structuredContent: { a: KEY, b: [1, { c: `x${KEY}y` }], d: null, e: true },
        isError: true,
      },
      redact,
    );
    expect(result).toEqual({
      content: [{ type: 'text', text: 'the key is [redacted]' }],
      structuredContent: { a: '[redacted]', b: [1, { c: 'x[redacted]y' }], d: null, e: true },
      isError: true,
    });
  });

  it('changes neither pictures nor links, and adds no part', () => {
    const result = {
      content: [
        { type: 'image' as const, data: 'AQID', mimeType: 'image/png' },
        { type: 'resource_link' as const, uri: 'flux://images/job_1', name: 'image-job_1' },
      ],
    };
    expect(redactResult(result, redact)).toEqual(result);
  });

  it('leaves data without secrets as it is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        const same = redactResult({ content: [], structuredContent: data }, (text) => text);
        expect(same.structuredContent).toEqual(data);
      }),
    );
  });
});
