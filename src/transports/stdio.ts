/** The protocol on stdin and stdout: JSON-RPC, every protocol era from one factory. */
import type { JSONRPCRequest, McpServerFactory } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { installShutdown } from '../runtime/shutdown.ts';
import { StdioTransport } from './stdio-transport.ts';

/** For answers that need nobody else; a host kills after about 2 s. */
const ANSWERS_MS = 800;

export type StdioOptions = {
  /** What a subscription asks for, less what cannot be reported. */
  narrow: (request: JSONRPCRequest) => Promise<JSONRPCRequest>;
  /** Ends what calls wait for, so that they answer. */
  endWaits: () => void;
  close: () => Promise<void>;
  clock: Clock;
  log: Log;
};

/** Serves until the input ends or a signal comes; then answers what can be answered, and ends the process. */
export function openStdioTransport(factory: McpServerFactory, options: StdioOptions): void {
  const { log, narrow, clock } = options;
  const transport = new StdioTransport({ log, narrow, onUnreadable: () => end('unreadable input') });
  const endpoint = serveStdio(factory, {
    transport,
    // An error may hold a whole message.
    onerror: (error) => log.warn('protocol trouble on stdio', { error: error.message.slice(0, 500) }),
  });
  const close = async (): Promise<void> => {
    options.endWaits();
    await Promise.race([transport.allAnswered(), clock.sleep(ANSWERS_MS)]);
    await Promise.all([endpoint.close(), options.close()]);
    await transport.flushed();
  };
  const end = installShutdown({ stdin: process.stdin, stdout: process.stdout, log, close });
}
