/** Pictures as they are shown inside an answer, made smaller in a thread of their own where they do not fit. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock, Log } from '../core/ports.ts';
import { Mutex } from '../core/primitives.ts';
import { type Preview, SHOWN_TYPES, type ShownPicture } from '../core/image-store.ts';
import { inspectPicture } from './inspect.ts';
import type { MadePreview } from './make-preview.ts';
import type { PreviewTask } from './preview-worker.ts';

/** A large picture takes a second on a slow machine; one that takes longer is out to. */
const TASK_LIMIT_MS = 20_000;
/** The thread holds some ten megabytes: it ends when nobody has used it for so long. */
const IDLE_MS = 30_000;

export function createPreview({ clock, log }: { clock: Clock; log: Log }): Preview {
  /** One thread makes one preview at a time: more at once would take as long, and more memory. */
  const turns = new Mutex();
  const closing = new AbortController();
  let thread: Worker | undefined;
  let idle: ReturnType<Clock['deadline']> | undefined;

  async function end(): Promise<void> {
    const ended = thread;
    thread = undefined;
    await ended?.terminate();
  }

  async function make(task: PreviewTask): Promise<MadePreview | undefined> {
    if (closing.signal.aborted) return undefined;
    idle?.clear();
    const limit = clock.deadline(TASK_LIMIT_MS);
    try {
      // Node's permission model may allow no thread at all.
      thread ??= startThread();
      // It keeps the process alive only as long as somebody waits for it.
      thread.ref();
      thread.postMessage(task);
      const signal = AbortSignal.any([limit.signal, closing.signal]);
      const [made] = await once(thread, 'message', { signal });
      return made;
    } catch (error) {
      // Nobody knows what state it has left the codecs in.
      void end();
      log.warn('a preview could not be made', { error: String(error) });
      return undefined;
    } finally {
      limit.clear();
      thread?.unref();
      idle = clock.deadline(IDLE_MS);
      idle.signal.addEventListener('abort', end, { once: true });
    }
  }

  async function shown(task: PreviewTask): Promise<ShownPicture | undefined> {
    const made = await turns.run(() => make(task));
    return made && { ...made, mediaType: 'image/jpeg', isPreview: true };
  }

  return {
    async fit(bytes, bounds) {
      const seen = inspectPicture(bytes);
      if (seen === undefined || seen.isDamaged) return undefined;
      const { mediaType, size, orientation } = seen;
      const longer = size === undefined ? 0 : Math.max(size.width, size.height);
      // Few models turn a picture as its EXIF data say.
      const isShown = SHOWN_TYPES.includes(mediaType) && orientation === 1;
      if (isShown && bytes.length <= bounds.maxBytes && longer <= bounds.maxSidePx)
        return { bytes, mediaType, isPreview: false, ...(size && { size }) };
      if (size === undefined) return undefined;
      return shown({ bytes, bounds });
    },
    sheet: (cells, bounds) => shown({ cells, bounds }),
    async close() {
      closing.abort(new Error('the server is ending'));
      idle?.clear();
      await end();
    },
  };
}

/** Of the thread's own heap. The memory of the codecs does not count there: it is bounded by the pixels. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 };

function startThread(): Worker {
  const worker = new Worker(workerFile(), { stdout: true, stderr: true, resourceLimits: HEAP_LIMITS });
  // Whoever waits for an answer gets the error; where nobody does, it would end the program.
  worker.on('error', () => undefined);
  // Codecs print what they think of damaged pictures; nobody reads it, and stdout belongs to the protocol.
  for (const output of [worker.stdout, worker.stderr]) output.resume();
  return worker;
}

/** Next to the bundle; run from its sources, the program takes the one that was built last. */
function workerFile(): string {
  const adjacent = fileURLToPath(new URL('./preview-worker.js', import.meta.url));
  return existsSync(adjacent) ? adjacent : fileURLToPath(new URL('../../dist/preview-worker.js', import.meta.url));
}
