/** `doctor`: looks at everything that a generation needs, one line each with the remedy. It spends nothing. */
import type { Config } from '../config/settings.ts';
import type { Log } from '../core/log.ts';
import type { ServiceReport } from '../core/service-report.ts';
import { Limits } from '../limits/limits.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { stayAlive, systemClock } from '../runtime/system.ts';
import { createFileJobStore, createFileValues, damagedRecords } from '../storage/file-stores.ts';
import { type FolderToCheck, outputToCheck } from '../storage/folders.ts';
import { lazyOutputFolder, partitionFolder, sharedFolder, stateFolder } from '../storage/paths.ts';
import type { Arguments } from './command.ts';
import { attempt, type Check, checkLine, checksJson, ok, summaryLine } from './doctor-check.ts';
import { checkKey, folderCheck, nodeCheck } from './doctor-machine.ts';
import { certificatesCheck, originCheck, proxyCheck } from './doctor-network.ts';
import { budgetChecks, recordsCheck } from './doctor-records.ts';
import { serviceChecks } from './doctor-service.ts';
import { webhookCheck } from './doctor-webhooks.ts';
import { secretsOf } from './secrets.ts';
import { settingsOf } from './settings.ts';
import { writeStderr } from './terminal-text.ts';

/** For all that is asked of the service together; a single answer is waited for no longer than 10 s. */
const SERVICE_MS = 12_000;

const EXIT_FAILURE = 1;

export async function run(args: Arguments): Promise<number> {
  const json = args.flags.json !== undefined;
  const config = await settingsOf(args);
  const secrets = secretsOf(config);
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);
  const checks: Check[] = [];
  const report = (found: readonly Check[]): void => {
    checks.push(...found);
    if (!json) for (const check of found) print(checkLine(check, secrets.redact));
  };
  const letGo = stayAlive();
  try {
    // What needs no network is told first, so that no slow network hides it.
    report([nodeCheck(process.version)]);
    let apiKey: string | undefined;
    report(
      await attempt('key', async () => {
        const checked = await checkKey(config);
        apiKey = checked.apiKey;
        if (apiKey !== undefined) secrets.add(apiKey);
        return [checked.check];
      }),
    );
    // Known only where the user has a folder for it.
    let records: string | undefined;
    const state = await checkFolder('state_folder', 'FLUX_STATE_DIR', report, async () => {
      const root = stateFolder(config);
      const folder = apiKey === undefined ? root : partitionFolder(root, config.apiUrl, apiKey);
      if (apiKey !== undefined) records = folder;
      return { holds: 'records', folder, root };
    });
    await checkFolder('output_folder', 'FLUX_OUTPUT_DIR', report, async () =>
      outputToCheck(await lazyOutputFolder(config)(), systemClock.now()),
    );
    const readable = records;
    if (readable !== undefined) report(await attempt('records', () => recordChecks(config, readable, log)));
    report(await attempt('webhooks', async () => [await webhookCheck(config)]));
    report([downloadsCheck(config), originCheck(config), proxyCheck(config)]);
    report(await attempt('certificates', async () => [await certificatesCheck(args.env)]));
    report(
      await attempt('service', async () => {
        const service = await probe({ ...config, apiKey, apiKeyFile: undefined }, state !== 'fail', log);
        return serviceChecks(service, { ...config, now: systemClock.now() });
      }),
    );
    // By now the plan is known.
    if (readable !== undefined) report(await attempt('budget', () => budgetOf(config, readable, log)));
  } finally {
    letGo();
  }
  print(json ? checksJson(checks, secrets.redact) : summaryLine(checks));
  return checks.some(({ status }) => status === 'fail') ? EXIT_FAILURE : 0;
}

type Report = (found: readonly Check[]) => void;

async function checkFolder(
  check: string,
  setting: string,
  report: Report,
  find: () => Promise<FolderToCheck>,
): Promise<Check['status'] | undefined> {
  const found = await attempt(check, async () => [
    await folderCheck({ check, setting, wanted: await find() }, systemClock),
  ]);
  report(found);
  return found[0]?.status;
}

const shared = (log: Log) => ({ clock: systemClock, log });

async function recordChecks({ stalledMinutes }: Config, folder: string, log: Log): Promise<Check[]> {
  const jobs = await createFileJobStore(folder, shared(log)).list();
  return [recordsCheck(jobs, await damagedRecords(folder), stalledMinutes * 60_000, systemClock.now())];
}

async function budgetOf(config: Config, folder: string, log: Log): Promise<Check[]> {
  const jobs = () => createFileJobStore(folder, shared(log)).list();
  const values = createFileValues(sharedFolder(folder), shared(log));
  const limits = new Limits(values, { ...shared(log), plan: config.plan, jobs });
  return budgetChecks(await limits.state(), config, systemClock.now());
}

function downloadsCheck({ downloadHosts, apiUrl }: Config): Check {
  const hosts = [...new Set([...downloadHosts, new URL(apiUrl).hostname])];
  return ok(
    'downloads',
    `pictures are fetched from ${hosts.join(', ')} and from nowhere else (DOITONG_DOWNLOAD_HOSTS)`,
  );
}

/** @param isKept whether the state folder takes what is noted: requests that are made here count for all servers */
async function probe(config: Config, isKept: boolean, log: Log): Promise<ServiceReport> {
  // Loaded here alone: it brings everything that speaks with the service.
  const { createApp } = await import('../app.ts');
  const app = await createApp({ ...config, sandbox: false, keepsNothing: !isKept }, { log, onSecret: () => undefined });
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
