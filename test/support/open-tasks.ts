/** How many tasks the threads of this process have been given and not answered: each message is a task. */
import { subscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';

const open = new Map<Worker, number>();

subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  const add = (count: number): void => void open.set(worker, (open.get(worker) ?? 0) + count);
  const { postMessage } = worker;
  worker.postMessage = (...args: Parameters<Worker['postMessage']>): void => {
    add(1);
    postMessage.apply(worker, args);
  };
  worker.on('message', () => add(-1)).once('exit', () => open.delete(worker));
});

export function hasOpenTask(): boolean {
  return [...open.values()].some((count) => count > 0);
}
