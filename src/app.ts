/** The composition root: settings in, a job service wired to the provider, the disk and the clock out. */
import type { Config } from './config/settings.ts';
import type { Clock } from './core/clock.ts';
import type { JobLedger } from './core/job-ledger.ts';
import type { Log } from './core/log.ts';
import { createDoitongProvider } from './doitong/doitong-provider.ts';
import { createImageDownload } from './images/download.ts';
import { ImageJobs } from './jobs/image-jobs.ts';
import { JobBoard } from './jobs/job-board.ts';
import { randomIds } from './runtime/random-ids.ts';
import { systemClock } from './runtime/system-clock.ts';
import { systemProcesses } from './runtime/system-processes.ts';
import { VERSION } from './runtime/version.ts';
import { createFileLedger, type FileLedgerParts } from './storage/file-ledger.ts';
import { createImageFolder } from './storage/image-folder.ts';
import { readKeyFile } from './storage/key-file.ts';
import { createMemoryLedger } from './storage/memory-ledger.ts';
import { outputFolder, partitionFolder, stateFolder } from './storage/paths.ts';

export type AppSettings = Pick<
  Config,
  'apiKey' | 'apiKeyFile' | 'apiUrl' | 'plan' | 'jobQuery' | 'downloadHosts' | 'outputDir' | 'stateDir'
> & { sandbox: boolean };

export type App = { jobs: ImageJobs; close: () => Promise<void> };

export type AppParts = {
  log: Log;
  /** Told every secret that turns up, before it is used. */
  onSecret: (secret: string) => void;
  /** The system's unless a test drives time. */
  clock?: Clock;
};

/**
 * @throws FluxError of kind `bad_key` when the key file that was named cannot be read
 */
export async function createApp(settings: AppSettings, parts: AppParts): Promise<App> {
  const { log, onSecret, clock = systemClock } = parts;
  const apiKey = await apiKeyOf(settings);
  if (apiKey !== undefined) onSecret(apiKey);
  const processes = systemProcesses;
  const userAgent = `flux-pro-mcp/${VERSION}`;
  const provider = createDoitongProvider(
    { apiUrl: settings.apiUrl, apiKey, jobQuery: settings.jobQuery, userAgent },
    { clock, log },
  );
  const download = createImageDownload({ hosts: settings.downloadHosts, apiOrigin: settings.apiUrl, userAgent }, clock);
  const store = createImageFolder(() => outputFolder(settings.outputDir));
  const board = new JobBoard(ledgerOf(settings, apiKey, { clock, log, processes }));
  const jobs = new ImageJobs(
    { board, provider, download, store, clock, log, ids: randomIds, processes },
    { plan: settings.plan, sandbox: settings.sandbox },
  );
  return {
    jobs,
    close: async () => {
      await jobs.close();
      await Promise.all([provider.close(), download.close()]);
    },
  };
}

/**
 * Without a key nothing can be ordered, so that there is nothing to keep. The built-in sandbox ends with this process
 * and takes its jobs along.
 */
function ledgerOf(settings: AppSettings, apiKey: string | undefined, parts: FileLedgerParts): JobLedger {
  if (settings.sandbox || apiKey === undefined) return createMemoryLedger();
  return createFileLedger(partitionFolder(stateFolder(settings.stateDir), settings.apiUrl, apiKey), parts);
}

/** @throws FluxError of kind `bad_key` when the key file cannot be read: told at the call, where somebody reads it. */
async function apiKeyOf(settings: AppSettings): Promise<string | undefined> {
  if (settings.apiKey !== undefined || settings.apiKeyFile === undefined) return settings.apiKey;
  return readKeyFile(settings.apiKeyFile);
}
