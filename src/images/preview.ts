/** Pictures as they are shown inside an answer, made smaller in a thread of their own where they do not fit. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Preview, PreviewBounds } from '../core/preview.ts';
import { inspectPicture } from './inspect.ts';
import type { MadePreview } from './make-preview.ts';
import type { PreviewAnswer, PreviewTask } from './preview-worker.ts';

/** What models and hosts take inside an answer. AVIF is not among it. */
const SHOWN_TYPES = ['image/jpeg', 'image/png', 'image/webp'];
/** A large picture takes a second on a slow machine; one that takes longer is out to. */
const TASK_LIMIT_MS = 20_000;
/** The thread holds some ten megabytes: it ends when nobody has used it for so long. */
const IDLE_MS = 30_000;

export function createPreview({ clock, log }: { clock: Clock; log: Log }): Preview {
  let thread: PreviewThread | undefined;

  async function make(bytes: Uint8Array, bounds: PreviewBounds): Promise<MadePreview | undefined> {
    try {
      // Node's permission model may allow no thread at all.
      thread ??= new PreviewThread(clock, (stopped) => {
        if (thread === stopped) thread = undefined;
      });
      return await thread.run(bytes, bounds);
    } catch (error) {
      log.warn('a preview could not be made', { error: String(error) });
      return undefined;
    }
  }

  return {
    async fit(bytes, bounds) {
      const seen = inspectPicture(bytes);
      if (seen === undefined) return undefined;
      const { mediaType, size, orientation, isDamaged } = seen;
      if (isDamaged) return undefined;
      const longer = size === undefined ? 0 : Math.max(size.width, size.height);
      // Few models turn a picture as its EXIF data say.
      const isUpright = orientation === undefined;
      if (SHOWN_TYPES.includes(mediaType) && isUpright && bytes.length <= bounds.maxBytes && longer <= bounds.maxSidePx)
        return { bytes, mediaType, isPreview: false, ...(size === undefined ? {} : { size }) };
      if (size === undefined) return undefined;
      const made = await make(bytes, bounds);
      if (made === undefined) return undefined;
      const { width, height } = made;
      return { bytes: made.bytes, mediaType: 'image/jpeg', size: { width, height }, isPreview: true };
    },
    close: async () => thread?.end(),
  };
}

/** Of the thread's own heap. The memory of the codecs does not count there: it is bounded by the pixels. */
const HEAP_MAX_MB = 128;
const WORKER_OPTIONS = {
  stdout: true,
  stderr: true,
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB, maxYoungGenerationSizeMb: 32 },
};

type Waiting = { resolve: (made: MadePreview | undefined) => void; reject: (reason: Error) => void };

/** One thread and the tasks that it has been given. */
class PreviewThread {
  readonly #clock: Clock;
  readonly #onEnd: (stopped: PreviewThread) => void;
  readonly #worker = new Worker(workerFile(), WORKER_OPTIONS);
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #limit: { signal: AbortSignal; clear: () => void } | undefined;

  /** @param onEnd called as soon as no more tasks may be given to it; perhaps more than once */
  constructor(clock: Clock, onEnd: (stopped: PreviewThread) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#worker.on('message', (answer: PreviewAnswer) => this.#settle(answer));
    this.#worker.on('error', (error: Error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('the thread ended')));
    // Codecs print what they think of damaged pictures; nobody reads it, and stdout belongs to the protocol.
    for (const output of [this.#worker.stdout, this.#worker.stderr]) output.resume();
    this.#worker.unref();
  }

  run(bytes: Uint8Array, bounds: PreviewBounds): Promise<MadePreview | undefined> {
    const id = ++this.#lastId;
    const task: PreviewTask = { id, bytes, bounds };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      // Bytes that are a part of something larger are copied instead.
      const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
      this.#worker.postMessage(task, isWhole ? [bytes.buffer] : []);
      this.#monitor();
    });
  }

  async end(): Promise<void> {
    this.#end(new Error('the server is ending'));
    await this.#worker.terminate();
  }

  #settle({ id, made, error }: PreviewAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(made);
    else waiting?.reject(new Error(error));
    if (this.#waiting.size === 0) this.#worker.unref();
    this.#monitor();
  }

  /** Each answer gives the next task its time anew. */
  #monitor(): void {
    this.#limit?.clear();
    const limit = this.#clock.deadline(this.#waiting.size > 0 ? TASK_LIMIT_MS : IDLE_MS);
    this.#limit = limit;
    limit.signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  #stop(): void {
    this.#onEnd(this);
    void this.#worker.terminate();
  }

  #end(reason: Error): void {
    this.#limit?.clear();
    this.#onEnd(this);
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}

/** Beside the bundle; run from its sources, the program takes the one that was built last. */
function workerFile(): string {
  const adjacent = fileURLToPath(new URL('./preview-worker.js', import.meta.url));
  return existsSync(adjacent) ? adjacent : fileURLToPath(new URL('../../dist/preview-worker.js', import.meta.url));
}
