/** One thing that `doctor` looked at: its line, its JSON, and how a list of them ends. */
import { FluxError } from '../core/failure.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { saidOf } from '../mcp/failure-text.ts';
import { remedyFor } from './failure-words.ts';
import { counted, visible, visibleJson } from './terminal-text.ts';

/** `fail`: a generation would not work. `warn`: it would, but something is not as it should be. */
export type Check = {
  /** A word or two, joined by an underscore. */
  check: string;
  status: 'ok' | 'warn' | 'fail';
  found: string;
  /** What to do; always there unless the status is `ok`. */
  remedy?: string;
};

export const ok = (check: string, found: string): Check => ({ check, status: 'ok', found });
export const warn = (check: string, found: string, remedy: string): Check => ({ check, status: 'warn', found, remedy });
export const fail = (check: string, found: string, remedy: string): Check => ({ check, status: 'fail', found, remedy });

/** A line that needs no colour and holds no secret. */
export function checkLine({ check, status, found, remedy }: Check, redact: Redact): string {
  const what = remedy === undefined ? found : `${found} → ${remedy}`;
  const symbol = status === 'fail' ? 'FAIL' : status.padEnd(4);
  return visible(redact(`${symbol}  ${check.padEnd(14)}  ${what}`)).replaceAll('\n', ' ');
}

export function checksJson(checks: readonly Check[], redact: Redact): string {
  return visibleJson(redactValues(checks, redact));
}

export function summaryLine(checks: readonly Check[]): string {
  const count = (status: Check['status']): number => checks.filter((one) => one.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const warnings = warned === 0 ? '' : ` ${counted(warned, 'warning')}.`;
  if (failed === 0) return `A generation would work as far as can be seen without ordering one.${warnings}`;
  return `A generation would not work: ${counted(failed, 'check')} failed.${warnings}`;
}

/** What goes wrong while one thing is looked at must not hide the others. */
export async function attempt(check: string, run: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof FluxError) return [fail(check, saidOf(error.failure).what, remedyFor(error.failure))];
    const reason = error instanceof Error ? error.message : String(error);
    return [fail(check, `This could not be checked: ${reason}`, 'Report it as a defect of flux-pro-mcp.')];
  }
}
