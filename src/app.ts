/** The composition root: settings in, a job service wired to the provider, the disk and the clock out. */
import type { Config } from './config/settings.ts';
import type { Clock } from './core/clock.ts';
import type { Gate } from './core/gate.ts';
import type { Ids } from './core/ids.ts';
import type { JobLedger } from './core/job-ledger.ts';
import type { Log } from './core/log.ts';
import type { RequestWindow } from './core/traffic.ts';
import { createDoitongProvider } from './doitong/doitong-provider.ts';
import { createImageDownload } from './images/download.ts';
import { ImageJobs } from './jobs/image-jobs.ts';
import { JobBoard } from './jobs/job-board.ts';
import { randomIds } from './runtime/random-ids.ts';
import { systemClock } from './runtime/system-clock.ts';
import { systemProcesses } from './runtime/system-processes.ts';
import { VERSION } from './runtime/version.ts';
import { createFileLedger, type FileLedgerParts } from './storage/file-ledger.ts';
import { createFileGate, createMemoryGate } from './storage/gate.ts';
import { createImageFolder } from './storage/image-folder.ts';
import { readKeyFile } from './storage/key-file.ts';
import { createMemoryLedger } from './storage/memory-ledger.ts';
import { outputFolder, partitionFolder, stateFolder } from './storage/paths.ts';

export type AppSettings = Pick<
  Config,
  | 'apiKey'
  | 'apiKeyFile'
  | 'apiUrl'
  | 'plan'
  | 'jobQuery'
  | 'downloadHosts'
  | 'outputDir'
  | 'stateDir'
  | 'maxCreditsPerDay'
  | 'maxCreditsPerCall'
  | 'maxImagesPerDay'
  | 'confirmAboveCredits'
  | 'lowCreditsAlert'
  | 'stalledMinutes'
  | 'resendHours'
> & { sandbox: boolean };

export type App = { jobs: ImageJobs; close: () => Promise<void> };

export type AppParts = {
  log: Log;
  /** Told every secret that turns up, before it is used. */
  onSecret: (secret: string) => void;
  /** The system's unless a test drives time. */
  clock?: Clock;
  /** The provider's unless a test compresses time. */
  requestWindow?: RequestWindow;
  /** Random unless a test shows what happens without stable keys. */
  ids?: Ids;
};

/**
 * @throws FluxError of kind `bad_key` when the key file that was named cannot be read
 */
export async function createApp(settings: AppSettings, parts: AppParts): Promise<App> {
  const { log, onSecret, clock = systemClock, ids = randomIds } = parts;
  const apiKey = await apiKeyOf(settings);
  if (apiKey !== undefined) onSecret(apiKey);
  const processes = systemProcesses;
  const { ledger, gate } = recordsOf(settings, apiKey, { clock, log, processes, requestWindow: parts.requestWindow });
  const userAgent = `flux-pro-mcp/${VERSION}`;
  const provider = createDoitongProvider(
    { apiUrl: settings.apiUrl, apiKey, jobQuery: settings.jobQuery, userAgent },
    { clock, log, gate },
  );
  const download = createImageDownload({ hosts: settings.downloadHosts, apiOrigin: settings.apiUrl, userAgent }, clock);
  const store = createImageFolder(() => outputFolder(settings.outputDir));
  const board = new JobBoard(ledger, gate);
  const jobs = new ImageJobs(
    { board, gate, provider, download, store, clock, log, ids, processes },
    {
      ...settings,
      stalledAfterMs: settings.stalledMinutes * 60_000,
      resendWindowMs: settings.resendHours * 60 * 60_000,
    },
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
function recordsOf(
  { plan, sandbox, stateDir, apiUrl }: AppSettings,
  apiKey: string | undefined,
  parts: FileLedgerParts & { requestWindow: RequestWindow | undefined },
): { ledger: JobLedger; gate: Gate } {
  if (sandbox || apiKey === undefined) {
    return { ledger: createMemoryLedger(), gate: createMemoryGate({ ...parts, plan }) };
  }
  const folder = partitionFolder(stateFolder(stateDir), apiUrl, apiKey);
  const ledger = createFileLedger(folder, parts);
  return { ledger, gate: createFileGate(folder, { ...parts, plan, jobs: () => ledger.list() }) };
}

/** @throws FluxError of kind `bad_key` when the key file cannot be read: told at the call, where somebody reads it. */
async function apiKeyOf(settings: AppSettings): Promise<string | undefined> {
  if (settings.apiKey !== undefined || settings.apiKeyFile === undefined) return settings.apiKey;
  return readKeyFile(settings.apiKeyFile);
}
