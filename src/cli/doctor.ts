/** `doctor`: looks at everything that a generation needs, one line each with the remedy. It spends nothing. */
import type { AppDeps } from '../app.ts';
import type { Config, Environment } from '../config/settings.ts';
import { FluxError } from '../core/failure.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { saidOf } from '../mcp/failure-text.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { systemClock } from '../runtime/system.ts';
import { damagedRecords } from '../storage/file-stores.ts';
import { apiKeyOf } from '../storage/key-file.ts';
import { outputFolder, partitionFolder, stateFolder } from '../storage/paths.ts';
import type { Arguments } from './command.ts';
import { budgetChecks, folderCheck, keyCheck, networkChecks, recordsCheck } from './doctor-machine.ts';
import { serviceChecks } from './doctor-service.ts';
import { type Check, fail, ok, remedyFor, warn } from './remedies.ts';
import { secretsOf, settingsOf } from './settings.ts';
import { counted, print, visible, visibleJson, writeStderr } from './terminal-text.ts';

/** For all that is asked of the service together; a single answer is waited for no longer than 10 s. */
const SERVICE_MS = 12_000;

export async function run(args: Arguments): Promise<number> {
  const json = args.flags.json !== undefined;
  const config = await settingsOf(args);
  const secrets = secretsOf(config);
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);
  const found: Check[] = [];
  for await (const checks of checksOf(config, args.env, { log, onSecret: (secret) => secrets.add(secret) })) {
    found.push(...checks);
    if (!json) for (const check of checks) print(checkLine(check, secrets.redact));
  }
  print(json ? checksJson(found, secrets.redact) : summaryLine(found));
  return found.some(({ status }) => status === 'fail') ? 1 : 0;
}

/** What needs no network comes first, so that no slow network hides it; the budget last, when the plan is known. */
async function* checksOf(config: Config, env: Environment, deps: AppDeps) {
  let apiKey: string | undefined;
  /** Where the records of this key are kept, if they can be. */
  let records: string | undefined;
  let hasOutput = false;

  // An older one has been refused by now.
  yield [ok('node', process.version)];
  yield await attempt('key', async () => {
    apiKey = await apiKeyOf(config);
    if (apiKey !== undefined) deps.onSecret(apiKey);
    return [await keyCheck(config, apiKey)];
  });
  yield await attempt('state_folder', async () => {
    const root = stateFolder(config);
    const partition = apiKey === undefined ? undefined : partitionFolder(root, config.apiUrl, apiKey);
    const wanted = { contents: 'records', folder: partition ?? root, root } as const;
    const check = await folderCheck('state_folder', 'FLUX_STATE_DIR', wanted);
    if (check.status !== 'fail') records = partition;
    return [check];
  });
  yield await attempt('output_folder', async () => {
    const wanted = { contents: 'pictures', folder: await outputFolder(config), now: systemClock.now() } as const;
    hasOutput = true;
    return [await folderCheck('output_folder', 'FLUX_OUTPUT_DIR', wanted)];
  });
  // Requests that are made here count for all servers, where the state folder can keep the count.
  const keepsNothing = records === undefined || !hasOutput;
  const settings = { ...config, apiKey, apiKeyFile: undefined, sandbox: false, keepsNothing };
  // Loaded here alone: it brings everything that speaks with the service.
  const app = await (await import('../app.ts')).createApp(settings, deps);
  try {
    yield await attempt('records', async () => {
      if (records === undefined || keepsNothing) return [];
      const open = await app.jobs.open();
      const damaged = await damagedRecords(records);
      const check = recordsCheck(open, damaged, systemClock.now());
      const others = await app.jobs.otherKeys.unfinished();
      return others ? [check, warn('other_keys', saidOf(others).what, remedyFor(others))] : [check];
    });
    yield networkChecks(config, env);
    yield await attempt('service', async () => {
      const deadline = systemClock.deadline(SERVICE_MS);
      return serviceChecks(await app.probe(deadline.signal).finally(deadline.clear), config);
    });
    yield await attempt('budget', async () =>
      keepsNothing ? [] : budgetChecks(await app.limits(), config.maxCreditsPerCall),
    );
  } finally {
    await app.close();
  }
}

/** A line that needs no colour and holds no secret. */
export function checkLine({ check, status, found, remedy }: Check, redact: Redact): string {
  const what = remedy === undefined ? found : `${found} → ${remedy}`;
  const symbol = status === 'fail' ? 'FAIL' : status.padEnd(4);
  return visible(redact(`${symbol}  ${check.padEnd(14)}  ${what}`)).replaceAll('\n', ' ');
}

export function checksJson(checks: readonly Check[], redact: Redact): string {
  return visibleJson(redactValues(checks, redact));
}

export function summaryLine(checks: readonly Check[]): string {
  const count = (status: Check['status']): number => checks.filter((one) => one.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const warnings = warned === 0 ? '' : ` ${counted(warned, 'warning')}.`;
  if (failed === 0) return `Ready: nothing was found that would stop an order.${warnings}`;
  return `Not ready: ${counted(failed, 'check')} failed.${warnings}`;
}

/** What goes wrong while one thing is looked at must not hide the others. */
export async function attempt(check: string, run: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof FluxError) return [fail(check, saidOf(error.failure).what, remedyFor(error.failure))];
    const reason = error instanceof Error ? error.message : String(error);
    return [fail(check, `This could not be checked: ${reason}`, 'Report it as a defect of flux-pro-mcp.')];
  }
}
