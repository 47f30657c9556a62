/** The one way out of a serving process: end of input, a signal or a broken pipe close everything within bounds. */
import type { Log } from '../core/log.ts';

/** A host kills after about 2 s; what is not closed by then is left to the ledger. */
const GRACE_MS = 1_200;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type ShutdownParts = {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  close: () => Promise<void>;
  log: Log;
};

/**
 * Ends the process with code 0, once, however many reasons turn up.
 * @returns ends it for a reason of the caller's
 */
export function installShutdown(parts: ShutdownParts): (reason: string) => void {
  let ending = false;
  const end = (reason: string): void => {
    if (ending) return;
    ending = true;
    parts.log.info('ending', { reason });
    // It keeps the process alive: where nothing else does, Node would end with another code before all is closed.
    setTimeout(() => process.exit(0), GRACE_MS);
    parts
      .close()
      .catch((error: unknown) => parts.log.error('closing failed', { error: String(error) }))
      .finally(() => process.exit(0));
  };
  for (const signal of SIGNALS) process.on(signal, () => end(signal));
  parts.stdin.on('end', () => end('end of input'));
  parts.stdin.on('close', () => end('input closed'));
  // Without a listener a host that stops reading would crash the process with EPIPE.
  parts.stdout.on('error', (error) => end(`output closed: ${String(error)}`));
  return end;
}
