/** The stdio door: JSON-RPC on stdin and stdout, every protocol era from one factory. */
import type { McpServerFactory } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Log } from '../core/log.ts';
import { installShutdown } from '../runtime/shutdown.ts';

/** Serves until the input ends or a signal comes; then closes everything and ends the process. */
export function openStdioDoor(factory: McpServerFactory, options: { close: () => Promise<void>; log: Log }): void {
  const { log } = options;
  const door = serveStdio(factory, {
    onerror: (error) => log.warn('protocol trouble on stdio', { error: error.message }),
  });
  installShutdown({
    stdin: process.stdin,
    stdout: process.stdout,
    log,
    close: async () => {
      await Promise.all([door.close(), options.close()]);
    },
  });
}
