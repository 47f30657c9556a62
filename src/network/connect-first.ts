/**
 * Connects to whichever address of a host answers first (RFC 8305). No try is given up before the deadline: Node's own
 * way gives each address but the last 250 ms, which a slow line does not meet.
 */
import type { LookupAddress } from 'node:dns';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';

/** How long the next address waits for the one before it. */
const NEXT_AFTER_MS = 250;

export function connectFirst(
  addresses: readonly LookupAddress[],
  port: number,
  { clock, signal }: { clock: Pick<Clock, 'sleep'>; signal: AbortSignal },
): Promise<Socket> {
  const waiting = [...addresses];
  const trying = new Set<Socket>();
  const finished = new AbortController();
  return new Promise((resolve, reject) => {
    const end = (winner?: Socket): void => {
      finished.abort();
      signal.removeEventListener('abort', abort);
      for (const socket of trying) if (socket !== winner) socket.destroy();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    const tryNext = (): void => {
      const next = waiting.shift();
      if (finished.signal.aborted || next === undefined) return;
      const socket = connect({ host: next.address, port });
      trying.add(socket);
      const failed = (error: Error): void => {
        trying.delete(socket);
        if (finished.signal.aborted) return;
        if (trying.size === 0 && waiting.length === 0) fail(error);
        else tryNext();
      };
      socket.on('error', failed);
      socket.once('connect', () => {
        if (finished.signal.aborted) return;
        end(socket);
        socket.off('error', failed);
        resolve(socket);
      });
      if (waiting.length > 0) clock.sleep(NEXT_AFTER_MS, finished.signal).then(tryNext, () => undefined);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    tryNext();
  });
}
