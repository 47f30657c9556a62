/** `serve`: the MCP server on stdio. Nothing is opened, read or asked before the first call needs it. */
import { join } from 'node:path';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { App, AppDeps } from '../app.ts';
import { type Config, SETTINGS } from '../config/settings.ts';
import type { JobFeed } from '../core/job-store.ts';
import { madeOnce } from '../core/primitives.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import { createMcpServer, narrowListen } from '../mcp/server.ts';
import type { McpDeps } from '../mcp/tool.ts';
import { readViewerPage, VERSION } from '../runtime/packaged.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { randomKey, systemClock } from '../runtime/system.ts';
import { openStdioTransport } from '../transports/stdio-transport.ts';
import type { Arguments } from './command.ts';
import { NOT_FOR_SANDBOX, secretsOf, settingsOf } from './settings.ts';
import { writeStderr } from './terminal-text.ts';

export async function run(args: Arguments): Promise<number> {
  const sandbox = args.flags.sandbox !== undefined;
  const config = await settingsOf(args, sandbox ? NOT_FOR_SANDBOX : []);
  const secrets = secretsOf(config);
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);

  const otherOrigin = sandbox || config.apiUrl === SETTINGS.apiUrl.default ? undefined : config.apiUrl;
  const feed: JobFeed = new Set();
  const { webhookListen } = config;
  const listenerFor: AppDeps['listenerFor'] =
    webhookListen &&
    (async (sink, publicUrl) => {
      const { WebhookListener } = await import('../transports/webhook.ts');
      return new WebhookListener({ ...webhookListen, publicUrl, sink, log });
    });
  const deps: AppDeps = { log, feed, listenerFor, onSecret: (secret) => secrets.add(secret) };
  let service: Sandbox | undefined;
  let app: App | undefined;
  let starting: Promise<unknown> | undefined;
  const start = async (): Promise<ImageJobs> => {
    if (otherOrigin !== undefined)
      log.warn("Orders and the key go to an address other than the provider's own", { otherOrigin });
    const { createApp } = await import('../app.ts');
    if (sandbox) service ??= await startSandbox(config);
    // The user's own key stays out of the sandbox, which has one of its own.
    const replaced = service && { apiUrl: service.url, apiKey: service.key, downloadHosts: [] };
    app = await createApp({ ...config, ...replaced, sandbox }, deps);
    return app.jobs;
  };
  const ending = new AbortController();
  const mcpDeps: McpDeps = {
    version: VERSION,
    sandbox,
    otherOrigin: otherOrigin === undefined ? undefined : { origin: otherOrigin, reported: false },
    defaultWaitSeconds: config.waitSeconds,
    resultContent: config.resultContent,
    preview: config.preview,
    jobs: madeOnce(() => (starting = start())),
    startedJobs: () => app?.jobs,
    questions: { isUnanswered: false },
    confirmations: madeOnce(async () => new (await import('../mcp/confirmations.ts')).Confirmations(randomKey())),
    feed,
    ending: ending.signal,
    viewerPage: readViewerPage,
    clock: systemClock,
    log,
    redact: secrets.redact,
  };
  if (process.stdin.isTTY)
    writeStderr('flux-pro-mcp: waiting for an MCP host on stdin; Ctrl+C stops it, "flux-pro-mcp --help" explains.\n');
  openStdioTransport(() => createMcpServer(mcpDeps), {
    narrow: (request) => narrowListen(request, mcpDeps),
    endWaits: () => ending.abort(new Error('the server is ending')),
    close: async () => {
      await starting?.catch(() => undefined);
      await app?.close();
      await service?.close();
    },
    clock: systemClock,
    log,
  });
  return new Promise<never>(() => undefined);
}

export async function startSandbox(config: Config): Promise<Sandbox> {
  const sandbox = await import('../../sandbox/sandbox.ts');
  const { sandboxFolder, stateFolder } = await import('../storage/paths.ts');
  return sandbox.startSandbox({
    ...(config.plan === 'auto' ? {} : { plan: config.plan }),
    stateFile: join(sandboxFolder(stateFolder(config)), 'service.json'),
  });
}
