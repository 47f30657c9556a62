/** The log: one line each on stderr, with the user's secrets removed. */
import { type Log, LOG_LEVELS, type LogFields, type LogLevel } from '../core/ports.ts';
import type { Redact } from '../core/redaction.ts';
import { INVISIBLE } from '../core/untrusted-text.ts';

/** A stack with its causes fits; a whole answer of the service does not. */
const LINE_MAX_CHARACTERS = 8_000;

/** @param write takes a whole line; passed in because only cli/ and transports/ touch the process's streams */
export function createStderrLog(level: LogLevel, redact: Redact, write: (line: string) => void): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  const line =
    (of: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (LOG_LEVELS.indexOf(of) < threshold) return;
      const values = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
      // Foreign text could otherwise forge an entry, control the terminal or reorder the words around it.
      const text = redact(`${message}${values}`, LINE_MAX_CHARACTERS).replace(INVISIBLE, ' ');
      write(`${new Date().toISOString()} ${of.toUpperCase()} ${text}\n`);
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
