/** Proves that the log keeps to its level, to one line an entry, and to itself what is secret. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_LEVELS, type LogLevel } from '../../../src/core/ports.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { createStderrLog } from '../../../src/runtime/stderr-log.ts';

const SPOKEN = ['debug', 'info', 'warn', 'error'] as const;
const KEY = 'dt_live_12345678';

function logAt(level: LogLevel): { log: ReturnType<typeof createStderrLog>; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createStderrLog(level, createRedactor([KEY]), (line) => lines.push(line)) };
}

describe('the log', () => {
  it.each(LOG_LEVELS)('at level %s writes that level and what is graver', (level) => {
    const { log, lines } = logAt(level);
    for (const spoken of SPOKEN) log[spoken](`said as ${spoken}`);
    const expected = SPOKEN.filter((spoken) => LOG_LEVELS.indexOf(spoken) >= LOG_LEVELS.indexOf(level));
    expect(lines.map((line) => line.split(' ')[1])).toEqual(expected.map((spoken) => spoken.toUpperCase()));
  });

  it('writes time, level, message and values', () => {
    const { log, lines } = logAt('info');
    log.info('a job was ordered', { id: 'job_1', pixels: 1024 });
    log.info('nothing else');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z INFO a job was ordered \{"id":"job_1","pixels":1024\}\n$/u);
    expect(lines[1]).toMatch(/Z INFO nothing else\n$/u);
  });

  it('removes secrets from message and values', () => {
    const { log, lines } = logAt('debug');
    log.warn(`sent ${KEY}`, { header: `Bearer ${KEY}`, key: KEY });
    expect(lines.join('')).not.toContain(KEY);
    expect(lines.join('')).toContain('sent [redacted]');
  });

  it('never lets foreign text begin a line of its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('\n', '\r\n', '\u2028', '\u2029'), (text, end) => {
        const { log, lines } = logAt('debug');
        log.error(`${text}${end}2026-01-01T00:00:00.000Z INFO all is well`, { text: `${end}${text}` });
        expect(lines).toHaveLength(1);
        expect(lines[0]?.slice(0, -1)).not.toMatch(/[\r\n\u2028\u2029]/u);
        expect(lines[0]?.endsWith('\n')).toBe(true);
      }),
    );
  });

  it('never lets foreign text control the terminal', () => {
    const { log, lines } = logAt('debug');
    log.error('a\u001B[2Jb\u202Ec', { text: '\u001B]0;title\u0007\u009B31m' });
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\u202E]/u);
  });
});
