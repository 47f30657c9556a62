/** A process of its own that finds the port taken, waits for the event of a job, and tells its parent each step. */
import type { Log } from '../../../src/core/ports.ts';
import { createJobEvents } from '../../../src/polling/event-markers.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { WebhookListener } from '../../../src/transports/webhook.ts';

const [folder = '', remoteId = '', port = ''] = process.argv.slice(2);
const report = (word: string): void => void process.send?.(word);
const log: Log = {
  debug() {},
  info: (what) => report(what.includes('taken') ? 'taken' : 'free'),
  warn() {},
  error() {},
};

// Neither listener nor watch keeps a process alive: the channel to the parent does.
process.on('message', () => undefined);
const address = { host: '127.0.0.1', port: Number(port), publicUrl: 'https://flux.example' };
await new WebhookListener({ ...address, sink: async () => 404, log }).open();
const values = createFileValues(folder, { clock: systemClock, log });
const events = createJobEvents(values, { clock: systemClock, log });
events.listen(remoteId, () => {
  report('told');
  process.disconnect();
});
report('waiting');
