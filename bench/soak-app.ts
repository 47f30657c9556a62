/** The program's own app in a process of its own: orders pictures as a host would, and tells what it holds on to. */
import { createApp } from '../src/app.ts';
import { placeOrder } from '../test/support/place-orders.ts';
import { benchSettings } from './app-settings.ts';
import { type ClockBase, createSharedClock } from './shared-clock.ts';

type Task = { url: string; key: string; folder: string; base: ClockBase; atOnce: number };
export type Reported = {
  done: number;
  failed: number;
  /** Orders that never left: a connection may take longer than its deadline when time runs faster on a busy machine. */
  again: number;
  /** Why there was no picture at once, each reason once. */
  failures: readonly string[];
  heapBytes: number;
  rssBytes: number;
  resources: Record<string, number>;
};

const { url, key, folder, base, atOnce } = JSON.parse(process.argv[2] ?? '{}') as Task;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Few different pictures: what is measured is this program, not the drawing of the sandbox. */
const PROMPTS = 40;

const app = await createApp(benchSettings({ apiKey: key, apiUrl: url, plan: 'enterprise', folder }), {
  log: silent,
  onSecret: () => undefined,
  clock: createSharedClock(base),
});

let ordered = 0;
let done = 0;
let failed = 0;
let again = 0;
const failures = new Set<string>();

async function one(): Promise<void> {
  ordered += 1;
  await picture(`picture ${ordered % PROMPTS}`);
}

async function picture(prompt: string): Promise<void> {
  const { job } = await placeOrder(app.jobs, { prompt, width: 256, height: 256 }, { allowDuplicate: true });
  const { state, failure } = await app.jobs.waitFor(job.id, { waitMs: 600_000 });
  if (state === 'saved') done += 1;
  else {
    failures.add(`${state}: ${JSON.stringify(failure)}`);
    if (failure?.kind !== 'unreachable' || failure.creditsSpent !== 'no') failed += 1;
    else {
      again += 1;
      await picture(prompt);
    }
  }
}

/** Orders until so many pictures were ordered in all. */
async function until(count: number): Promise<void> {
  const worker = async (): Promise<void> => {
    while (ordered < count) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function reported(): Reported {
  globalThis.gc?.();
  globalThis.gc?.();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, rss } = process.memoryUsage();
  return { done, failed, again, failures: [...failures], heapBytes: heapUsed, rssBytes: rss, resources };
}

process.on('message', (count: number) => {
  if (count < 0) {
    void app.close().then(() => process.exit(0));
    return;
  }
  until(count)
    // What a finished picture leaves to do is done by then.
    .then(() => new Promise((resolve) => setTimeout(resolve, 1_500)))
    .then(() => process.send?.(reported()));
});
process.send?.('ready');
