/** `doctor`: looks at everything that a generation needs, one line each with the remedy. It spends nothing. */
import type { Config } from '../config/settings.ts';
import type { Log } from '../core/log.ts';
import type { ServiceReport } from '../core/service-report.ts';
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
import { writeStderr } from './terminal-text.ts';

/** For all that is asked of the service together; a single answer is waited for no longer than 10 s. */
const SERVICE_MS = 12_000;

const EXIT_FAILURE = 1;

/** What is known so far. */
type Known = {
  config: Config;
  env: Environment;
  log: Log;
  onSecret: (secret: string) => void;
  apiKey?: string | undefined;
  /** Where the records of this key are. */
  records?: string;
  /** Whether the state folder takes what is noted: requests that are made here count for all servers. */
  isKept?: boolean;
};

/** What needs no network comes first, so that no slow network hides it; the budget last, when the plan is known. */
const CHECKS: readonly (readonly [string, (known: Known) => Promise<readonly Check[]>])[] = [
  // An older one has been refused by now.
  ['node', async () => [ok('node', process.version)]],
  [
    'key',
    async (known) => {
      known.apiKey = await apiKeyOf(known.config);
      if (known.apiKey !== undefined) known.onSecret(known.apiKey);
      return [await keyCheck(known.config, known.apiKey)];
    },
  ],
  [
    'state_folder',
    async (known) => {
      const { config, apiKey } = known;
      const root = stateFolder(config);
      if (apiKey !== undefined) known.records = partitionFolder(root, config.apiUrl, apiKey);
      const check = await folderCheck('state_folder', 'FLUX_STATE_DIR', {
        holds: 'records',
        folder: known.records ?? root,
        root,
      });
      known.isKept = check.status !== 'fail';
      return [check];
    },
  ],
  [
    'output_folder',
    async ({ config }) => {
      const folder = await outputFolder(config);
      return [await folderCheck('output_folder', 'FLUX_OUTPUT_DIR', outputToCheck(folder, systemClock.now()))];
    },
  ],
  [
    'records',
    async ({ records, config, log }) => {
      if (records === undefined) return [];
      const jobs = await createFileJobStore(records, { clock: systemClock, log }).list();
      const damaged = damagedRecords(records);
      return [recordsCheck(jobs, damaged, config.stalledMinutes * 60_000, systemClock.now())];
    },
  ],
  ['network', async ({ config, env }) => [webhookCheck(config), ...networkChecks(config), certificatesCheck(env)]],
  ['service', async (known) => serviceChecks(await probe(known), known.config)],
  [
    'budget',
    async ({ records, config, log }) => {
      if (records === undefined) return [];
      const deps = { clock: systemClock, log };
      const jobs = () => createFileJobStore(records, deps).list();
      const limits = new Limits(createFileValues(sharedFolder(records), deps), { ...deps, plan: config.plan, jobs });
      return budgetChecks(await limits.state(), config, systemClock.now());
    },
  ],
];

export async function run(args: Arguments): Promise<number> {
  const json = args.flags.json !== undefined;
  const config = await settingsOf(args);
  const secrets = secretsOf(config);
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);
  const known: Known = { config, env: args.env, log, onSecret: (secret) => secrets.add(secret) };
  const found: Check[] = [];
  const letGo = stayAlive();
  try {
    for (const [name, look] of CHECKS) {
      const checks = await attempt(name, () => look(known));
      found.push(...checks);
      if (!json) for (const check of checks) print(checkLine(check, secrets.redact));
    }
  } finally {
    letGo();
  }
  print(json ? checksJson(found, secrets.redact) : summaryLine(found));
  return found.some(({ status }) => status === 'fail') ? EXIT_FAILURE : 0;
}

async function probe({ config, apiKey, isKept, log }: Known): Promise<ServiceReport> {
  // Loaded here alone: it brings everything that speaks with the service.
  const { createApp } = await import('../app.ts');
  const settings = { ...config, apiKey, apiKeyFile: undefined, sandbox: false, keepsNothing: isKept !== true };
  const app = await createApp(settings, { log, onSecret: () => undefined });
  const deadline = systemClock.deadline(SERVICE_MS);
  try {
    return await app.probe(deadline.signal);
  } finally {
    deadline.clear();
    await app.close();
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
