import { ProtocolError } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { protocolErrorOf } from '../../../src/mcp/protocol-errors.ts';

const KEY = 'doitong-live-8842f0c1d97be35a';
const logged: string[] = [];
const deps = {
  redact: createRedactor([KEY]),
  log: {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields)}`),
  },
};
const errorOf = (method: string, thrown: unknown) => {
  logged.length = 0;
  return protocolErrorOf(method, thrown, deps) as ProtocolError;
};

describe('an error of a handler', () => {
  it.each([
    ['a defect', new TypeError("Cannot read properties of undefined (reading 'file')")],
    [
      'a refusal of the system',
      Object.assign(new Error("ENOENT: no such file, open '/home/user/x'"), { code: 'ENOENT' }),
    ],
    ['what is no error', 'thrown as a text'],
    ['an array in a message', new Error('unexpected [1, 2, 3]')],
  ])('that nobody foresaw is logged once and not shown: %s', (_, thrown) => {
    const error = errorOf('resources/read', thrown);
    expect(error).toMatchObject({ code: -32603 });
    expect(error.message).toBe(
      'resources/read failed unexpectedly. Nothing was ordered, and no credits were spent. Trying again may help. If it happens again, ask the user to report the log line on stderr as a bug in flux-pro-mcp.',
    );
    expect(logged).toHaveLength(1);
  });

  it('of a call does not say that nothing was spent', () => {
    expect(errorOf('tools/call', new TypeError('x')).message).toContain(
      'Credits may have been spent. Call list_jobs before you order again.',
    );
  });

  it('with a failure says all of it, and never that reading may have spent credits', () => {
    const failure = {
      kind: 'storage_failed',
      reason: { code: 'worded', what: `The folder ${KEY} cannot be read.` },
      creditsSpent: 'maybe',
      retry: 'later',
    } as const;
    expect(errorOf('resources/list', new FluxError(failure)).message).toMatch(
      /^The folder \[redacted\] cannot be read\. No credits were spent\. Trying again may help\. Ask the user/,
    );
    expect(errorOf('tools/call', new FluxError(failure)).message).toContain('Credits may have been spent.');
    expect(logged).toEqual([]);
  });

  it('of the protocol keeps its code, and loses secrets in its message and its data', () => {
    const error = errorOf('resources/read', new ProtocolError(-32602, `no ${KEY}`, { uri: `flux://jobs/${KEY}` }));
    expect(error).toMatchObject({
      code: -32602,
      message: 'no [redacted]',
      data: { uri: 'flux://jobs/[redacted]' },
    });
  });

  it('is cut where a client has made it long', () => {
    const error = errorOf('resources/read', new ProtocolError(-32602, 'x'.repeat(1_000_000)));
    expect(error.message.length).toBeLessThanOrEqual(4_000);
  });
});
