/** The composition root: settings in, a job service wired to the provider, the disk and the clock out. */
import type { Config } from './config/settings.ts';
import type { Clock } from './core/clock.ts';
import type { Ids } from './core/ids.ts';
import type { JobEvents } from './core/job-events.ts';
import type { JobFeed } from './core/job-feed.ts';
import type { JobStore } from './core/job-store.ts';
import type { Log } from './core/log.ts';
import { proxySecrets } from './core/proxy.ts';
import { createSecretFinder } from './core/redaction.ts';
import type { ServiceReport } from './core/service-report.ts';
import type { SharedValues } from './core/shared-value.ts';
import type { WebhookSink } from './core/webhook-sink.ts';
import { createWireMemory, type WireMemory } from './core/wire-memory.ts';
import { createDoitongProvider } from './doitong/doitong-provider.ts';
import { createWebhookSink } from './doitong/webhook.ts';
import { createImageDownload } from './images/download.ts';
import { mayBeSavedAs } from './images/inspect.ts';
import { createPreview } from './images/preview.ts';
import { ImageJobs } from './jobs/image-jobs.ts';
import { JobRecords } from './jobs/job-records.ts';
import { Limits } from './limits/limits.ts';
import type { RequestWindow } from './limits/rate-state.ts';
import { DurationMemory } from './polling/durations.ts';
import { randomIds, systemClock, systemProcesses } from './runtime/system.ts';
import { VERSION } from './runtime/version.ts';
import { createFileEvents } from './storage/event-markers.ts';
import { createFileJobStore, createFileValues } from './storage/file-stores.ts';
import { createFoldersCheck, type FolderToCheck, outputToCheck } from './storage/folders.ts';
import { createImageFolder } from './storage/image-folder.ts';
import { apiKeyOf } from './storage/key-file.ts';
import { createUnkeptValues, noEvents, noJobStore } from './storage/nothing-kept.ts';
import {
  lazyOutputFolder,
  partitionFolder,
  sandboxFolder,
  serviceName,
  servicesFolder,
  sharedFolder,
  stateFolder,
} from './storage/paths.ts';

export type AppSettings = Pick<
  Config,
  | 'apiKey'
  | 'apiKeyFile'
  | 'apiUrl'
  | 'plan'
  | 'dialect'
  | 'jobQuery'
  | 'downloadHosts'
  | 'webhookUrl'
  | 'webhookSecret'
  | 'outputDir'
  | 'stateDir'
  | 'maxCreditsPerDay'
  | 'maxCreditsPerCall'
  | 'maxImagesPerDay'
  | 'confirmAboveCredits'
  | 'lowCreditsAlert'
  | 'stalledMinutes'
  | 'resendHours'
> &
  Partial<Pick<Config, 'httpsProxy' | 'httpProxy' | 'noProxy' | 'folderVariables'>> & {
    sandbox: boolean;
    /** Nothing is written: for a look at the service where the state folder takes no files. */
    keepsNothing?: boolean;
  };

export type App = {
  jobs: ImageJobs;
  /** Takes what arrives at the webhook's address; `undefined` without an address and a secret. */
  webhookSink: WebhookSink | undefined;
  /** Looks at the service for a person; orders nothing. */
  probe: (signal: AbortSignal) => Promise<ServiceReport>;
  close: () => Promise<void>;
};

export type AppDeps = {
  log: Log;
  /** Told every secret that turns up, before it is used. */
  onSecret: (secret: string) => void;
  /** Told what becomes of the jobs of this process. */
  feed?: JobFeed;
  /** Called before each order leaves: the time to listen for webhooks. Never rejects. */
  onSubmission?: () => Promise<void>;
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
export async function createApp(settings: AppSettings, deps: AppDeps): Promise<App> {
  const { log, onSecret, clock = systemClock, ids = randomIds } = deps;
  // A key file that cannot be read is told at the call, where somebody reads it.
  const apiKey = await apiKeyOf(settings);
  if (apiKey !== undefined) onSecret(apiKey);
  const { webhookSecret } = settings;
  const secrets = [...(webhookSecret === undefined ? [] : [webhookSecret]), ...proxySecrets(settings)];
  const processes = systemProcesses;
  const output = lazyOutputFolder(settings);
  const { jobStore, events, values, memory, checked } = recordsOf(settings, apiKey, output, { clock, log });
  const { plan } = settings;
  const { requestWindow } = deps;
  const limits = new Limits(values, { clock, log, plan, requestWindow, jobs: () => jobStore.list() });
  const durations = new DurationMemory(values, { clock, log });
  const userAgent = `flux-pro-mcp/${VERSION}`;
  const { apiUrl, dialect, jobQuery, httpsProxy, httpProxy, noProxy } = settings;
  const proxies = { httpsProxy, httpProxy, noProxy };
  const provider = createDoitongProvider(
    { apiUrl, apiKey, otherSecrets: secrets, dialect, jobQuery, userAgent, proxies },
    { clock, log, limiter: limits, memory },
  );
  const download = createImageDownload(
    { hosts: settings.downloadHosts, apiOrigin: apiUrl, userAgent, proxies },
    { clock },
  );
  const store = createImageFolder(output, { clock, isPicture: mayBeSavedAs });
  // The system's calls, and previews, take real time, also where a test drives the clock.
  const pictures = async () => outputToCheck(await output(), clock.now());
  const needed = checked === undefined ? [pictures] : [async () => checked, pictures];
  const checkFolders = createFoldersCheck(needed, { clock: systemClock, log });
  const preview = createPreview({ clock: systemClock, log });
  const jobs = new ImageJobs(
    {
      records: new JobRecords(jobStore, limits, clock, deps.feed),
      limits,
      provider,
      download,
      store,
      preview,
      events,
      durations,
      clock,
      log,
      ids,
      processes,
      checkFolders,
      onSubmission: deps.onSubmission,
      containsSecret: createSecretFinder(apiKey === undefined ? secrets : [apiKey, ...secrets]),
    },
    {
      ...settings,
      stalledAfterMs: settings.stalledMinutes * 60_000,
      resendWindowMs: settings.resendHours * 60 * 60_000,
    },
  );
  return {
    jobs,
    webhookSink: sinkOf(settings, { jobStore, events, clock, log }),
    probe: (signal) => provider.probe(signal),
    close: async () => {
      await jobs.close();
      await Promise.all([provider.close(), download.close()]);
    },
  };
}

/** What outlives a process and is shared with others. */
type Records = {
  jobStore: JobStore;
  events: JobEvents;
  /** Of this service and key. */
  values: SharedValues;
  /** Of this service. */
  memory: WireMemory;
  /** Where they are; absent where nothing outlives the process. */
  checked?: FolderToCheck;
};

/** Without a key nothing can be ordered, so that there is nothing to keep. */
function recordsOf(
  settings: AppSettings,
  apiKey: string | undefined,
  output: () => Promise<string>,
  deps: { clock: Clock; log: Log },
): Records {
  const { apiUrl, sandbox } = settings;
  if (apiKey === undefined || settings.keepsNothing) {
    const values = createUnkeptValues();
    const memory = createWireMemory(values, serviceName(apiUrl), deps);
    return { jobStore: noJobStore, events: noEvents, values, memory };
  }
  const root = stateFolder(settings);
  const folder = sandbox ? sandboxFolder(root) : partitionFolder(root, apiUrl, apiKey);
  const services = createFileValues(servicesFolder(sandbox ? folder : root), deps);
  return {
    jobStore: createFileJobStore(folder, { ...deps, outputFolder: output }),
    events: createFileEvents(folder, deps),
    values: createFileValues(sharedFolder(folder), deps),
    memory: createWireMemory(services, sandbox ? 'sandbox' : serviceName(apiUrl), deps),
    checked: { holds: 'records', folder, root },
  };
}

function sinkOf(
  { webhookUrl, webhookSecret }: AppSettings,
  { jobStore, events, clock, log }: Pick<Records, 'jobStore' | 'events'> & { clock: Clock; log: Log },
): WebhookSink | undefined {
  if (webhookUrl === undefined || webhookSecret === undefined) return undefined;
  return createWebhookSink({
    secret: webhookSecret,
    path: new URL(webhookUrl).pathname,
    knows: async (id) => (await jobStore.find(id))?.remoteId === id,
    addMarker: (id) => events.addMarker(id),
    clock,
    log,
  });
}
