/** A process of its own that finds the port taken, waits for the event of a job, and tells its parent each step. */
import type { Log } from '../../../src/core/log.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { createFileEvents } from '../../../src/storage/event-markers.ts';
import { openWebhookListener } from '../../../src/transports/webhook.ts';

const [folder = '', remoteId = '', port = ''] = process.argv.slice(2);
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const report = (word: string): void => void process.send?.(word);

// Neither listener nor watch keeps a process alive: the channel to the parent does.
process.on('message', () => undefined);
const listener = await openWebhookListener({ port: Number(port), sink: { accept: async () => 404 }, log });
report(listener.taken ? 'taken' : 'free');
const subscribe = createFileEvents(folder, { clock: systemClock, log }).subscribe(
  remoteId,
  new AbortController().signal,
);
report('waiting');
void subscribe.then(() => {
  report('told');
  process.disconnect();
});
