/** Proves that progress goes only to callers who asked, only ever grows, and never breaks a call. */
import type { ServerContext } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import type { LogFields } from '../../../src/core/ports.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { progressReporter } from '../../../src/mcp/call-tool.ts';

type Sent = { progress: number; total: number; message: string; progressToken: unknown };

function call(options: { token?: unknown; signal?: AbortSignal; failing?: boolean } = {}) {
  const sent: Sent[] = [];
  const errors: unknown[] = [];
  const ignored = (): void => undefined;
  const debug = (_: string, fields?: LogFields): void => void errors.push(fields?.error);
  const log = { debug, info: ignored, warn: ignored, error: ignored };
  const context = {
    mcpReq: {
      _meta: 'token' in options ? { progressToken: options.token } : {},
      signal: options.signal ?? new AbortController().signal,
      notify: async ({ params }: { params: Sent }) => {
        if (options.failing) throw new Error('closed');
        sent.push(params);
      },
    },
  } as unknown as ServerContext;
  return {
    sent,
    errors,
    report: progressReporter(context, { redact: createRedactor(['secretkey123']), log }),
  };
}

describe('progress', () => {
  it('is not reported to a caller who did not ask', () => {
    expect(call().report).toBeUndefined();
  });

  it.each(['abc', 0, 7])('has the token of the caller: %j', (token) => {
    const { sent, report } = call({ token });
    report?.(0, 'begun');
    expect(sent).toEqual([{ progressToken: token, progress: 0, total: 1, message: 'begun' }]);
  });

  it('contains no secret, whatever the service calls its status', () => {
    const { sent, report } = call({ token: 1 });
    report?.(0, 'processing key=secretkey123');
    expect(JSON.stringify(sent)).not.toContain('secretkey123');
  });

  it('only ever grows', () => {
    const { sent, report } = call({ token: 1 });
    for (const fraction of [0, 0, 0.2, 0.1, 0.2, 0.3]) report?.(fraction, 'so far');
    const values = sent.map(({ progress }) => progress);
    expect(values).toHaveLength(6);
    expect(values).toEqual([...new Set(values)].sort((one, other) => one - other));
    expect(values[0]).toBe(0);
    expect(values.at(-1)).toBe(0.3);
  });

  it('has messages that Claude Code shows whole', () => {
    const { sent, report } = call({ token: 1 });
    report?.(0.1, 'x'.repeat(500));
    expect(sent[0]?.message).toHaveLength(200);
  });

  it('ends with the call', () => {
    const caller = new AbortController();
    const { sent, report } = call({ token: 1, signal: caller.signal });
    caller.abort();
    report?.(0.5, 'half');
    expect(sent).toEqual([]);
  });

  it('that cannot be sent is logged, and nothing else', async () => {
    const { errors, report } = call({ token: 1, failing: true });
    report?.(0.5, 'half');
    await Promise.resolve();
    expect(errors).toEqual(['Error: closed']);
  });
});
