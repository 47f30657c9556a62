/** Worker processes: bundled once, started fast, killed without warning. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Guided, ProcessClock, IdleMessage } from './process-clock.ts';
import { TASK_VARIABLE, type WorkerMessage, type WorkerTask } from './worker-task.ts';

export type WorkerEnd = { code: number | null; signal: NodeJS.Signals | null; lifeMs: number };

export type Worker = Guided & {
  pid: number;
  /** SIGKILL: no handler runs, nothing is written any more. */
  kill(): void;
  ended: Promise<WorkerEnd>;
  /** What it logged: warnings and errors. */
  stderr(): string;
};

export type Crew = {
  /** @param clock the one that the task names */
  start(clock: ProcessClock, task: WorkerTask, onMessage?: (message: WorkerMessage) => void): Worker;
  /** Kills who is left. */
  close(): Promise<void>;
};

/** Bundled CommonJS code calls `require`, which ESM lacks. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** @param folder where the bundle goes: starting from source would take most of a worker's life */
export async function hireCrew(folder: string): Promise<Crew> {
  await mkdir(folder, { recursive: true });
  const bundle = join(folder, 'worker.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./worker.ts', import.meta.url))],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.18',
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const alive = new Set<Worker>();
  return {
    start(clock, task, onMessage) {
      const worker = startWorker(bundle, clock, task, onMessage);
      alive.add(worker);
      void worker.ended.then(() => alive.delete(worker));
      return worker;
    },
    close: async () => {
      const left = [...alive];
      for (const worker of left) worker.kill();
      await Promise.all(left.map(({ ended }) => ended));
    },
  };
}

function startWorker(
  bundle: string,
  clock: ProcessClock,
  task: WorkerTask,
  onMessage: (message: WorkerMessage) => void = () => undefined,
): Worker {
  const begun = performance.now();
  const child = spawn(process.execPath, [bundle], {
    env: { [TASK_VARIABLE]: JSON.stringify(task) },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  child.on('message', (message: WorkerMessage | IdleMessage) => {
    if (message.type !== 'idle') onMessage(message);
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    ...clock.guide(child),
    pid: child.pid ?? 0,
    kill: () => child.kill('SIGKILL'),
    ended: endOf(child, begun),
    stderr: () => stderr,
  };
}

/** When the process is gone and all that it told has been read. */
function endOf(child: ChildProcess, begun: number): Promise<WorkerEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, lifeMs: performance.now() - begun }));
  });
}
