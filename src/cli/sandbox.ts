/** `sandbox`: the emulated service alone, for trying and for tests of other programs. */

import type { ScenarioName } from '../../sandbox/sandbox.ts';
import { chooseScenarios, SCENARIOS, ScenarioError } from '../../sandbox/scenarios/scenarios.ts';
import { PLANS } from '../limits/plan.ts';
import { type Arguments, type HelpSection, UsageError } from './command.ts';
import { oneOf, wholeNumber } from './settings.ts';

export async function run(args: Arguments): Promise<number> {
  const port = wholeNumber(args, 'port', { min: 0, max: 65_535 });
  const jobSeconds = wholeNumber(args, 'job-seconds', { min: 0, max: 3_600 });
  const plan = oneOf(args, 'plan', PLANS);
  const { scenarios, sendsWebhooks } = scenariosOf(args.lists.scenario ?? []);
  const { seed } = args.flags;
  // Loaded only now: help, which needs the names alone, and refusals do not wait for it.
  const { startSandbox } = await import('../../sandbox/sandbox.ts');
  // Before the first line: whoever has read it may end the program at once.
  const endRequested = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  const sandbox = await startSandbox({
    ...(port === undefined ? {} : { port }),
    ...(plan === undefined ? {} : { plan }),
    ...(jobSeconds === undefined ? {} : { jobDurationMs: jobSeconds * 1_000 }),
    ...(seed === undefined ? {} : { seed }),
    scenarios,
  }).catch((error: unknown) => {
    throw new UsageError(`the sandbox cannot listen on port ${port ?? 0}: ${reasonOf(error)}`);
  });
  const { url, key, webhookSecret } = sandbox;
  process.stdout.write(`${JSON.stringify({ url, key, ...(sendsWebhooks ? { webhookSecret } : {}) })}\n`);
  await endRequested;
  await sandbox.close();
  return 0;
}

/** All scenarios, a section for each group. */
export function scenarioHelp(): HelpSection[] {
  const groups = new Set(SCENARIOS.map(({ group }) => group));
  return [...groups].map((group) => ({
    title: `Scenarios: ${group}`,
    rows: SCENARIOS.filter((scenario) => scenario.group === group).map(({ name, sentence, excludes }) => ({
      name,
      text: excludes.length === 0 ? sentence : `${sentence} Not together with ${excludes.join(', ')}.`,
    })),
  }));
}

/** In the order given, which decides the order of their faults. @throws UsageError */
function scenariosOf(names: readonly string[]): { scenarios: ScenarioName[]; sendsWebhooks: boolean } {
  try {
    const { traits } = chooseScenarios(names);
    const scenarios = names.flatMap((name) => SCENARIOS.find((known) => known.name === name)?.name ?? []);
    return { scenarios, sendsWebhooks: traits.webhooks };
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(`--scenario: ${error.message}`);
    throw error;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
