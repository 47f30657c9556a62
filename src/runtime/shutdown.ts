/** Ends a serving process: at the end of input, a signal or a broken pipe, everything is closed within a time limit. */
import type { Log } from '../core/ports.ts';

/** A host kills the process after about 2 s; the records say what was left unfinished. */
const GRACE_MS = 1_200;

/** Ends the process with code 0, once, however many reasons turn up. @returns ends it for a reason of the caller's */
export function installShutdown(deps: {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  close: () => Promise<void>;
  log: Log;
}): (reason: string) => void {
  let ending = false;
  const end = (reason: string): void => {
    if (ending) return;
    ending = true;
    deps.log.info('ending', { reason });
    // It keeps the process alive: where nothing else does, Node would end with another code before all is closed.
    setTimeout(() => process.exit(0), GRACE_MS);
    deps
      .close()
      .catch((error: unknown) => deps.log.error('closing failed', { error: String(error) }))
      .finally(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(signal));
  deps.stdin.on('end', () => end('end of input'));
  deps.stdin.on('close', () => end('input closed'));
  // Without a listener a host that stops reading would crash the process with EPIPE.
  deps.stdout.on('error', (error) => end(`output closed: ${String(error)}`));
  return end;
}
