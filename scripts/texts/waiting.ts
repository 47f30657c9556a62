/** What the user is asked before an expensive call, and what hosts show while a call waits. */
import type { Job } from '../../src/core/job.ts';
import { placeOrders, waitForJob } from '../../src/mcp/ordering.ts';
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

export async function question(): Promise<string> {
  const added = ['a paper plane', 'a lighthouse', 'a fox', 'a bowl of ramen'].map((prompt) => ({
    request: { prompt, width: 2_048, height: 2_048 },
  }));
  const propose = async () => ({ type: 'ask', added, estimate: { min: 120, max: 200 } });
  const asked = await placeOrders(added, { tool: 'generate_images', isBatch: true }, contextWith({ propose }));
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
  const context = contextWith({ waitFor }, (_, message) => messages.push(message));
  await waitForJob({ job: jobIn('queued'), duplicate: false }, 45, context);
  return messages;
}
