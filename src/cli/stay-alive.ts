/** For commands that only wait: a pending sleep of the clock does not keep the process alive. */
import { MessageChannel } from 'node:worker_threads';

/** @returns what lets the process end again */
export function stayAlive(): () => void {
  const { port1 } = new MessageChannel();
  port1.on('message', () => undefined);
  return () => port1.close();
}
