/** The log: one line each on stderr, with the user's secrets removed. */
import { LOG_LEVELS, type Log, type LogFields, type LogLevel } from '../core/log.ts';
import type { Redact } from '../core/redaction.ts';

/** @param write takes a whole line; given by the caller because only doors touch the process's streams */
export function createStderrLog(level: LogLevel, redact: Redact, write: (line: string) => void): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  const line =
    (of: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (LOG_LEVELS.indexOf(of) < threshold) return;
      const values = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
      // A line stays a line: what looks like a new entry could otherwise be forged by foreign text.
      const text = redact(`${message}${values}`).replace(/[\r\n\u2028\u2029]+/gu, ' ');
      write(`${new Date().toISOString()} ${of.toUpperCase()} ${text}\n`);
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
