/**
 * Preloaded into the server under test (`node --import`): keeps its process id, what it was sent and what it answered in
 * a folder, so that a test knows what the client said of itself, what left the server, and whether the process has ended.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

// Threads inherit the preload; the streams of the protocol are the main thread's.
if (isMainThread) {
  const file = join(process.env.HOSTS_RECORD_DIR, `${process.pid}.log`);
  appendFileSync(file, '');
  const note = (direction, chunk) =>
    appendFileSync(file, `${JSON.stringify([direction, Buffer.from(chunk).toString('utf8')])}\n`);

  const { stdin, stdout } = process;
  const emit = stdin.emit;
  stdin.emit = function emitAndNote(event, ...args) {
    if (event === 'data') note('in', args[0]);
    return emit.call(this, event, ...args);
  };
  const write = stdout.write;
  stdout.write = function writeAndNote(chunk, ...args) {
    note('out', chunk);
    return write.call(this, chunk, ...args);
  };
}
