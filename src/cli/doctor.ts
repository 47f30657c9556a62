/** `doctor`: looks at everything that a generation needs, one line each with the remedy. It spends nothing. */
import type { AppSettings } from '../app.ts';
import type { Config } from '../config/settings.ts';
import type { Log } from '../core/ports.ts';
import type { ServiceReport } from '../core/image-provider.ts';
import { Limits } from '../limits/limits.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { stayAlive, systemClock } from '../runtime/system.ts';
import { createFileJobStore, createFileValues, damagedRecords } from '../storage/file-stores.ts';
import { outputToCheck } from '../storage/folders.ts';
import { apiKeyOf } from '../storage/key-file.ts';
import { outputFolder, partitionFolder, sharedFolder, stateFolder } from '../storage/paths.ts';
import type { Arguments, Environment } from './command.ts';
import { attempt, type Check, checkLine, checksJson, ok, summaryLine } from './doctor-check.ts';
import { certificatesCheck, folderCheck, keyCheck, networkChecks, webhookCheck } from './doctor-machine.ts';
import { budgetChecks, recordsCheck } from './doctor-records.ts';
import { serviceChecks } from './doctor-service.ts';
import { secretsOf, settingsOf } from './settings.ts';
import { print, writeStderr } from './terminal-text.ts';

/** For all that is asked of the service together; a single answer is waited for no longer than 10 s. */
const SERVICE_MS = 12_000;

export async function run(args: Arguments): Promise<number> {
  const json = args.flags.json !== undefined;
  const config = await settingsOf(args);
  const secrets = secretsOf(config);
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);
  const found: Check[] = [];
  const letGo = stayAlive();
  try {
    for await (const checks of checksOf(config, args.env, log, (secret) => secrets.add(secret))) {
      found.push(...checks);
      if (!json) for (const check of checks) print(checkLine(check, secrets.redact));
    }
  } finally {
    letGo();
  }
  print(json ? checksJson(found, secrets.redact) : summaryLine(found));
  return found.some(({ status }) => status === 'fail') ? 1 : 0;
}

/** What needs no network comes first, so that no slow network hides it; the budget last, when the plan is known. */
async function* checksOf(config: Config, env: Environment, log: Log, onSecret: (secret: string) => void) {
  const deps = { clock: systemClock, log };
  let apiKey: string | undefined;
  /** Where the records of this key are. */
  let records: string | undefined;
  let takesRecords = false;
  let hasOutput = false;

  // An older one has been refused by now.
  yield [ok('node', process.version)];
  yield await attempt('key', async () => {
    apiKey = await apiKeyOf(config);
    if (apiKey !== undefined) onSecret(apiKey);
    return [await keyCheck(config, apiKey)];
  });
  yield await attempt('state_folder', async () => {
    const root = stateFolder(config);
    if (apiKey !== undefined) records = partitionFolder(root, config.apiUrl, apiKey);
    const wanted = { holds: 'records', folder: records ?? root, root } as const;
    const check = await folderCheck('state_folder', 'FLUX_STATE_DIR', wanted);
    takesRecords = check.status !== 'fail';
    return [check];
  });
  yield await attempt('output_folder', async () => {
    const wanted = outputToCheck(await outputFolder(config), systemClock.now());
    hasOutput = true;
    return [await folderCheck('output_folder', 'FLUX_OUTPUT_DIR', wanted)];
  });
  yield await attempt('records', async () => {
    if (records === undefined) return [];
    const jobs = await createFileJobStore(records, deps).list();
    return [recordsCheck(jobs, damagedRecords(records), config.stalledMinutes * 60_000, systemClock.now())];
  });
  yield await attempt('network', async () => [webhookCheck(config), ...networkChecks(config), certificatesCheck(env)]);
  yield await attempt('service', async () => {
    // Requests that are made here count for all servers, where the state folder can keep the count.
    const settings = {
      ...config,
      apiKey,
      apiKeyFile: undefined,
      sandbox: false,
      keepsNothing: !takesRecords || !hasOutput,
    };
    return serviceChecks(await probe(settings, log), config);
  });
  yield await attempt('budget', async () => {
    if (records === undefined) return [];
    const jobs = createFileJobStore(records, deps);
    const values = createFileValues(sharedFolder(records), deps);
    const limits = new Limits(values, { ...deps, plan: config.plan, jobs: () => jobs.list() });
    return budgetChecks(await limits.state(), config, systemClock.now());
  });
}

async function probe(settings: AppSettings, log: Log): Promise<ServiceReport> {
  // Loaded here alone: it brings everything that speaks with the service.
  const { createApp } = await import('../app.ts');
  const app = await createApp(settings, { log, onSecret: () => undefined });
  const deadline = systemClock.deadline(SERVICE_MS);
  try {
    return await app.probe(deadline.signal);
  } finally {
    deadline.clear();
    await app.close();
  }
}
