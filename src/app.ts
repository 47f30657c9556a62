/** The composition root: settings in, a job service wired to the provider, the disk and the clock out. */
import type { Config } from './config/settings.ts';
import type { Clock, Ids, Log, Owner, WebhookSink } from './core/ports.ts';
import { GIVEN_UP } from './core/job.ts';
import { type JobFeed, openAndRecentJobs } from './core/job-store.ts';
import { proxySecrets } from './core/proxy.ts';
import { createSecretFinder } from './core/redaction.ts';
import { SharedState } from './core/shared-value.ts';
import { createWireMemory } from './core/wire-memory.ts';
import { createDoitongProvider } from './doitong/doitong-provider.ts';
import { createWebhookSink } from './doitong/webhook.ts';
import { createImageDownload } from './images/download.ts';
import { mayBeSavedAs } from './images/inspect.ts';
import { createPreview } from './images/preview.ts';
import { ImageJobs } from './jobs/image-jobs.ts';
import { JobRecords } from './jobs/job-records.ts';
import { Limits } from './limits/limits.ts';
import { limitsReport } from './limits/limits-report.ts';
import type { RequestWindow } from './limits/rate-state.ts';
import { createDurationMemory } from './polling/durations.ts';
import { createJobEvents } from './polling/event-markers.ts';
import { randomIds, systemClock, thisProcess } from './runtime/system.ts';
import { VERSION } from './runtime/packaged.ts';
import { createFileJobStore, createFileValues } from './storage/file-stores.ts';
import { createDiskFiles } from './storage/file-system.ts';
import { Heartbeats } from './storage/presence.ts';
import { createFoldersCheck } from './storage/folders.ts';
import { createImageFolder } from './storage/image-folder.ts';
import { apiKeyOf } from './storage/key-file.ts';
import { aloneHere, createUnkeptValues, noJobStore } from './storage/nothing-kept.ts';
import * as paths from './storage/paths.ts';

export type AppSettings = Config & {
  sandbox: boolean;
  /** Nothing is written: for a look at the service where the state folder takes no files. */
  keepsNothing?: boolean;
};

export type App = Awaited<ReturnType<typeof createApp>>;

type Listener = { open: () => Promise<void>; close: () => Promise<void> };

export type AppDeps = {
  log: Log;
  /** Told every secret that turns up, before it is used. */
  onSecret: (secret: string) => void;
  feed?: JobFeed;
  /** Listens for webhooks. `open` is called before each order leaves, and never rejects. */
  listenerFor?: ((sink: WebhookSink, publicUrl: string) => Promise<Listener>) | undefined;
  /** The system's unless a test drives time. */
  clock?: Clock;
  /** The provider's unless a test compresses time. */
  requestWindow?: RequestWindow;
  /** This process, unless a test plays several in one. */
  self?: Owner;
  /** Random unless a test shows what happens without stable keys. */
  ids?: Ids;
};

type Base = Required<Pick<AppDeps, 'clock' | 'log' | 'self'>>;

/** @throws FluxError when the key file that was named cannot be read, or a folder needs a home and there is none */
export async function createApp(settings: AppSettings, deps: AppDeps) {
  const { log, onSecret, clock = systemClock, ids = randomIds, self = thisProcess(), requestWindow } = deps;
  // A key file that cannot be read is reported at the call, where somebody reads it.
  const apiKey = await apiKeyOf(settings);
  if (apiKey !== undefined) onSecret(apiKey);
  const { apiUrl, plan, dialect, jobQuery, webhookUrl, webhookSecret, duplicateHours } = settings;
  const otherSecrets = [...(webhookSecret === undefined ? [] : [webhookSecret]), ...proxySecrets(settings)];
  const base = { clock, log, self };
  const { jobStore, others, values, memory, liveness, output, checked } = await openRecords(settings, apiKey, base);
  const events = createJobEvents(values, base);
  const jobsSince = (at: number) => openAndRecentJobs(jobStore, at);
  const limits = new Limits(values, { clock, log, plan, duplicateHours, requestWindow, jobs: jobsSince });
  const wire = { userAgent: `flux-pro-mcp/${VERSION}`, proxies: settings };
  const provider = createDoitongProvider(
    { ...wire, apiUrl, apiKey, otherSecrets, dialect, jobQuery },
    { clock, log, limiter: limits, memory },
  );
  const download = createImageDownload({ ...wire, hosts: settings.downloadHosts, apiOrigin: apiUrl }, { clock });
  let listener: Listener | undefined;
  if (webhookUrl !== undefined && webhookSecret !== undefined) {
    const sink = createWebhookSink({
      secret: webhookSecret,
      path: new URL(webhookUrl).pathname,
      knows: async (id) => (await jobStore.find(id))?.remoteId === id,
      addMarker: (id) => events.addMarker(id),
      clock,
      log,
    });
    listener = await deps.listenerFor?.(sink, webhookUrl);
  }
  // The system's calls, and previews, take real time, also where a test drives the clock.
  const inRealTime = { clock: systemClock, log };
  const jobs = new ImageJobs(
    {
      records: new JobRecords(jobStore, limits, clock, deps.feed),
      limits,
      provider,
      keys: memory.keys,
      download,
      store: createImageFolder(output, { clock, isPicture: mayBeSavedAs }),
      preview: createPreview(inRealTime),
      events,
      durations: createDurationMemory(values, clock),
      givenUp: new SharedState<readonly string[]>(values, GIVEN_UP, clock),
      clock,
      log,
      ids,
      liveness,
      others,
      checkFolders: createFoldersCheck(output, checked, { ...inRealTime, now: clock.now }),
      onSubmission: listener && (() => listener.open()),
      containsSecret: createSecretFinder(apiKey === undefined ? otherSecrets : [apiKey, ...otherSecrets]),
    },
    settings,
  );
  return {
    jobs,
    store: jobStore,
    output,
    reserved: async () => new Set((await limits.reservations()).entries.map(({ id }) => id)),
    /** As the records say; nothing is settled for it. */
    limits: async () => limitsReport(await limits.state(), settings, clock.now()),
    probe: (signal: AbortSignal) => provider.probe(signal),
    close: async () => {
      await listener?.close();
      await jobs.close();
      await Promise.all([provider.close(), download.close()]);
    },
  };
}

/** What outlives a process and is shared with others. Without a key nothing can be ordered: there is nothing to keep. */
async function openRecords(settings: AppSettings, apiKey: string | undefined, deps: Base) {
  const { apiUrl, sandbox, keepsNothing } = settings;
  if (apiKey === undefined || keepsNothing) {
    const values = createUnkeptValues();
    const memory = createWireMemory(values, paths.serviceName(apiUrl), deps.clock);
    // No picture comes as far as a folder.
    return { jobStore: noJobStore, values, memory, liveness: aloneHere(deps.self), output: '' };
  }
  const root = paths.stateFolder(settings);
  const folder = sandbox ? paths.sandboxFolder(root) : paths.partitionFolder(root, apiUrl, apiKey);
  const output = await paths.outputFolder(settings);
  const services = createFileValues(paths.servicesFolder(sandbox ? folder : root), deps);
  const recordsIn = (part: string, outputFolder?: string) => ({
    store: createFileJobStore(part, { ...deps, ...(outputFolder && { outputFolder }) }),
    liveness: new Heartbeats(deps.self, paths.heartbeatsFolder(part), { files: createDiskFiles(deps.clock), ...deps }),
  });
  const { store: jobStore, liveness } = recordsIn(folder, output);
  const others = sandbox ? [] : await paths.otherPartitions(root, folder);
  return {
    jobStore,
    liveness,
    others: others.map((other) => ({ ...recordsIn(other.folder), ...other })),
    values: createFileValues(paths.sharedFolder(folder), deps),
    memory: createWireMemory(services, sandbox ? 'sandbox' : paths.serviceName(apiUrl), deps.clock),
    output,
    checked: { contents: 'records', folder, root } as const,
  };
}
