/** `serve`: the MCP server on stdio. Nothing is opened, read or asked before the first call needs it. */
import { join } from 'node:path';
import type { App, AppDeps } from '../app.ts';
import { type Config, SETTINGS } from '../config/settings.ts';
import type { JobNews } from '../core/job-store.ts';
import { Feed } from '../core/primitives.ts';
import { createMcpServer, narrowListen } from '../mcp/server.ts';
import type { McpDeps } from '../mcp/tool.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { systemClock } from '../runtime/system.ts';
import { VERSION } from '../runtime/version.ts';
import { readViewerPage } from '../runtime/viewer-page.ts';
import { openStdioTransport } from '../transports/stdio-transport.ts';
import type { WebhookListener } from '../transports/webhook.ts';
import type { Arguments } from './command.ts';
import { NOT_FOR_SANDBOX, secretsOf, settingsOf } from './settings.ts';
import { writeStderr } from './terminal-text.ts';

type Running = { app: App; close: () => Promise<void> };

export async function run(args: Arguments): Promise<number> {
  const sandbox = args.flags.sandbox !== undefined;
  const config = await settingsOf(args, sandbox ? NOT_FOR_SANDBOX : []);
  const secrets = secretsOf(config);
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);

  const otherOrigin = sandbox || config.apiUrl === SETTINGS.apiUrl.default ? undefined : config.apiUrl;
  const feed = new Feed<JobNews>();
  const deps = { log, feed, onSecret: (secret: string) => secrets.add(secret) };
  const running = new Lazy(() => {
    if (otherOrigin !== undefined)
      log.warn("Orders and the key go to an address other than the provider's own", { otherOrigin });
    return start(config, sandbox, deps);
  });
  const ending = new AbortController();
  const mcpDeps: McpDeps = {
    version: VERSION,
    sandbox,
    otherOrigin: otherOrigin === undefined ? undefined : { origin: otherOrigin, reported: false },
    defaultWaitSeconds: config.waitSeconds,
    resultContent: config.resultContent,
    preview: config.preview,
    jobs: async () => (await running.get()).app.jobs,
    startedJobs: () => running.current?.app.jobs,
    questions: { isUnanswered: false },
    feed,
    ending: ending.signal,
    viewerPage: readViewerPage,
    clock: systemClock,
    log,
    redact: secrets.redact,
  };
  openStdioTransport(() => createMcpServer(mcpDeps), {
    narrow: (request) => narrowListen(request, mcpDeps),
    endWaits: () => ending.abort(new Error('the server is ending')),
    close: async () => (await running.settled())?.close(),
    clock: systemClock,
    log,
  });
  return new Promise<never>(() => undefined);
}

async function start(config: Config, sandbox: boolean, deps: AppDeps): Promise<Running> {
  const { createApp } = await import('../app.ts');
  const service = sandbox ? await startSandboxService(config) : undefined;
  const onSubmission = async (): Promise<void> => webhooks?.open();
  const app = await createApp({ ...config, ...service?.settings, sandbox }, { ...deps, onSubmission });
  const { webhookListen, webhookUrl: publicUrl } = config;
  const { webhookSink: sink } = app;
  let webhooks: WebhookListener | undefined;
  if (webhookListen !== undefined && publicUrl !== undefined && sink !== undefined) {
    const { WebhookListener } = await import('../transports/webhook.ts');
    webhooks = new WebhookListener({ ...webhookListen, publicUrl, sink, log: deps.log });
  }
  return {
    app,
    close: async () => {
      await webhooks?.close();
      await app.close();
      await service?.close();
    },
  };
}

async function startSandboxService(config: Config) {
  const { startSandbox } = await import('../../sandbox/sandbox.ts');
  const { sandboxFolder, stateFolder } = await import('../storage/paths.ts');
  const sandbox = await startSandbox({
    ...(config.plan === 'auto' ? {} : { plan: config.plan }),
    stateFile: join(sandboxFolder(stateFolder(config)), 'service.json'),
  });
  // The user's own key stays out of it: the sandbox has one of its own.
  return { settings: { apiUrl: sandbox.url, apiKey: sandbox.key, downloadHosts: [] }, close: () => sandbox.close() };
}

/** Something that is made at the first use, once, and again only if making it failed. */
export class Lazy<Value> {
  #making: Promise<Value> | undefined;
  /** The value once it has been made. */
  current: Value | undefined;

  constructor(private readonly make: () => Promise<Value>) {}

  /** The value, made now if need be. A failure is not remembered: what the user corrects works without a restart. */
  get(): Promise<Value> {
    this.#making ??= this.make().then(
      (value) => (this.current = value),
      (error: unknown) => {
        this.#making = undefined;
        throw error;
      },
    );
    return this.#making;
  }

  /** The value if it has been made or is being made; nothing is begun for it. */
  async settled(): Promise<Value | undefined> {
    return this.#making?.catch(() => undefined);
  }
}
