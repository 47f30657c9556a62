/** What the user is asked before an expensive call, and what hosts show while a call waits. */
import type { Job } from '../../src/core/job.ts';
import { placeOrders, waitForAll, waitForJob } from '../../src/mcp/ordering.ts';
import type { ToolContext } from '../../src/mcp/tool.ts';
import { jobIn, NOW } from '../text-samples/jobs.ts';

/** What the user is asked, and the progress of a wait: both by the very functions, which get what they ask for. */
function contextWith(jobs: object, progress: ToolContext['progress'] = () => undefined): ToolContext {
  const clock = { now: () => NOW, monotonic: () => 0 };
  const known = { settings: { maxCreditsPerDay: 1_000 }, leftToday: async () => 480, ...jobs };
  const context = { jobs: async () => known, progress, clock, signal: new AbortController().signal, canAsk: true };
  return {
    ...context,
    sandbox: false,
    redact: (text: string) => text,
    answer: undefined,
    defaultWaitSeconds: 45,
  } as unknown as ToolContext;
}

const PROMPTS = ['a paper plane', 'a lighthouse', 'a fox', 'a bowl of ramen'];

export async function question(count = PROMPTS.length, sandbox = false): Promise<string> {
  const added = PROMPTS.slice(0, count).map((prompt) => ({
    request: { prompt, width: 2_048, height: 2_048 },
  }));
  const propose = async () => ({ type: 'ask', added, estimate: { min: 30 * count, max: 50 * count } });
  const asked = await placeOrders(
    added,
    { tool: 'generate_images', isBatch: true },
    {
      ...contextWith({ propose }),
      sandbox,
    },
  );
  if (asked.type !== 'ask') throw new Error('nothing is asked');
  return `${asked.question}\n[ ] ${asked.yes}`;
}

export async function progressMessages(): Promise<string[]> {
  const messages: string[] = [];
  const eta = { fraction: 0.4, leftMs: 9_000 };
  const ticks = [
    ...(['queued', 'processing', 'unknown', 'completed'] as const).map((state) => ({
      job: jobIn(state),
      waitReason: undefined,
    })),
    ...(['slot', 'permit'] as const).map((reason) => ({
      job: jobIn('queued'),
      waitReason: { reason, until: NOW + 200_000 },
    })),
  ];
  const waitFor = async (_: string, { onTick }: { onTick: (tick: object) => void }): Promise<Job> => {
    for (const tick of ticks) onTick({ ...tick, elapsedMs: 12_000, etaNow: async () => eta });
    // Each message comes once its estimate is known.
    await new Promise((resolve) => setTimeout(resolve));
    return jobIn('processing');
  };
  const ofBatch = { fraction: 0.4, done: 2, total: 5, leftMs: 40_000 };
  const waitAll = async (_: unknown, { onTick }: { onTick: (tick: object) => void }): Promise<Job[]> => {
    onTick(ofBatch);
    return [];
  };
  const context = contextWith({ waitFor, waitForAll: waitAll }, (_, message) => messages.push(message));
  await waitForJob({ job: jobIn('queued'), duplicate: false }, 45, context);
  await waitForAll([], 45, context);
  return messages;
}
