/** `sandbox`: the emulated service alone, for trying and for tests of other programs. */
import { chooseScenarios, SCENARIOS, ScenarioError, type Scenarios, sendsWebhooks } from '../../sandbox/scenarios.ts';
import { PLANS } from '../limits/plan.ts';
import { type Arguments, type HelpSection, UsageError } from './command.ts';
import { oneOf, wholeNumber } from './settings.ts';
import { print } from './terminal-text.ts';

export async function run(args: Arguments): Promise<number> {
  const port = wholeNumber(args, 'port', { min: 0, max: 65_535 }) ?? 0;
  const jobSeconds = wholeNumber(args, 'job-seconds', { min: 0, max: 3_600 }) ?? 4;
  const plan = oneOf(args, 'plan', PLANS) ?? 'pro';
  const scenarios = scenariosOf(args.lists.scenario ?? []);
  const { seed } = args.flags;
  // Loaded only now: help, which needs the names alone, and refusals do not wait for it.
  const { startSandbox } = await import('../../sandbox/sandbox.ts');
  // Before the first line: whoever has read it may end the program at once.
  const endRequested = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  const options = { port, plan, jobDurationMs: jobSeconds * 1_000, scenarios, ...(seed !== undefined && { seed }) };
  const sandbox = await startSandbox(options).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the sandbox cannot listen on port ${port}: ${reason}`);
  });
  const { url, key, webhookSecret } = sandbox;
  print(JSON.stringify({ url, key, ...(sendsWebhooks(scenarios) && { webhookSecret }) }));
  await endRequested;
  await sandbox.close();
  return 0;
}

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

function scenariosOf(names: readonly string[]): Scenarios {
  try {
    return chooseScenarios(names);
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(`--scenario: ${error.message}`);
    throw error;
  }
}
