/** `sandbox`: the emulated service alone, for trying and for tests of other programs. */
import { PLANS, type Plan } from '../core/plan.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { type Arguments, UsageError } from './command.ts';
import { wholeNumber } from './settings.ts';

export async function run(args: Arguments): Promise<number> {
  const port = wholeNumber(args, 'port', { min: 0, max: 65_535 });
  const jobSeconds = wholeNumber(args, 'job-seconds', { min: 0, max: 3_600 });
  const plan = planOf(args.flags.plan);
  // Before the first line: whoever has read it may end the program at once.
  const toldToEnd = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  const sandbox = await startSandbox({
    ...(port === undefined ? {} : { port }),
    ...(plan === undefined ? {} : { plan }),
    ...(jobSeconds === undefined ? {} : { jobDurationMs: jobSeconds * 1_000 }),
  }).catch((error: unknown) => {
    throw new UsageError(`the sandbox cannot listen on port ${port ?? 0}: ${reasonOf(error)}`);
  });
  process.stdout.write(`${JSON.stringify({ url: sandbox.url, key: sandbox.key })}\n`);
  await toldToEnd;
  await sandbox.close();
  return 0;
}

function planOf(text: string | undefined): Plan | undefined {
  if (text === undefined) return undefined;
  const plan = PLANS.find((known) => known === text);
  if (plan !== undefined) return plan;
  throw new UsageError(`--plan: ${JSON.stringify(text)} is not allowed. Allowed: ${PLANS.join(', ')}.`);
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
