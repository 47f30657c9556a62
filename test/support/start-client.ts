/** A real MCP client of either SDK line, connected in process to the real server, job service and sandbox over HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type McpSubscription, Client as ModernClient } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport as V1Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  ElicitRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';
import { type App, type AppSettings, createApp } from '../../src/app.ts';
import type { JobFeed } from '../../src/core/job-store.ts';
import { madeOnce } from '../../src/core/primitives.ts';
import type { Log, ResultPart } from '../../src/core/ports.ts';
import type { ImageJobs } from '../../src/jobs/image-jobs.ts';
import { Secrets } from '../../src/core/redaction.ts';
import { Confirmations } from '../../src/mcp/confirmations.ts';
import { createMcpServer } from '../../src/mcp/server.ts';
import { createStderrLog } from '../../src/runtime/stderr-log.ts';
import { readViewerPage } from '../../src/runtime/packaged.ts';
import { randomKey, thisProcess } from '../../src/runtime/system.ts';
import { WebhookListener } from '../../src/transports/webhook.ts';
import { defaultConfig } from './default-config.ts';
import { createDrivenClock, type DrivenClock } from './driven-clock.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { freePort } from './free-port.ts';
// What the program loads when it is first needed: the clock does not see that a module is being loaded.
import '../../src/mcp/call-tool.ts';
import '../../src/mcp/prompts.ts';
import '../../src/mcp/resources.ts';

/** `v1`: the 1.x client; `v2`: the 2.x client with the old handshake; `2026`: the 2.x client on 2026-07-28. */
export type Era = 'v1' | 'v2' | '2026';
export const ERAS: readonly Era[] = ['v1', 'v2', '2026'];

export type StoryOptions = {
  era?: Era;
  clientName?: string;
  sandbox?: Omit<SandboxOptions, 'now' | 'sleep'>;
  resultContent?: 'auto' | readonly ResultPart[];
  preview?: 'auto' | 'off' | number;
  defaultWaitSeconds?: number;
  /** Answers and records say "sandbox"; false plays the real service. */
  sandboxed?: boolean;
  /** Plays the user of a client that can put questions; absent: the client cannot. */
  onQuestion?: (question: Question) => { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean> };
  /** The client shows the viewer next to results, by the MCP Apps extension. */
  showsViewer?: boolean;
  /** The service is given an address on this machine where the app listens, as `serve` does; it posts by scenario. */
  webhooks?: boolean;
  /** What the settings say instead of the sandbox's own. */
  settings?: Partial<AppSettings>;
};

type CompletionRef = { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };

export type Question = { message: string; requestedSchema?: unknown };

export type Answer = {
  content: { type: string; text?: string; data?: string; mimeType?: string; uri?: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
};

export type ProgressStep = { progress: number; total?: number | undefined; message?: string | undefined };

export type Story = {
  call(
    name: string,
    args?: Record<string, unknown>,
    options?: { signal?: AbortSignal; onProgress?: (step: ProgressStep) => void },
  ): Promise<Answer>;
  listTools(): Promise<Record<string, unknown>[]>;
  readResource(uri: string): Promise<{ contents: { uri: string; mimeType?: string; blob?: string; text?: string }[] }>;
  listResources(cursor?: string): Promise<{ resources: { uri: string; mimeType?: string }[]; nextCursor?: string }>;
  listPrompts(): Promise<Record<string, unknown>[]>;
  getPrompt(name: string, args?: Record<string, string>): Promise<string>;
  complete(ref: CompletionRef, name: string, value: string): Promise<string[]>;
  /** Subscribes to resources; what is told of them goes to `news`, as `changed URI` and `list`. */
  subscribe(uris: string[], news: (what: string) => void): Promise<void>;
  unsubscribe(uris: string[]): Promise<void>;
  listTemplates(): Promise<{ uriTemplate: string }[]>;
  instructions(): string | undefined;
  protocol(): string;
  /** Everything of the story goes by it. Time passes during calls, and where a test lets it. */
  clock: DrivenClock;
  sandbox: Sandbox;
  /** Stands between client and sandbox. */
  wire: FaultServer;
  outputDir: string;
  /** Where webhooks go, with the option `webhooks`. */
  webhookUrl: string | undefined;
  /** Everything logged, at every level. */
  logLines: string[];
  startedApps(): number;
  /** The job service ends in the midst of things and begins again, as in a new process. @param settings changed by then */
  restart(settings?: Partial<AppSettings>): Promise<void>;
  /** What a command of the shell would work with. */
  jobs(): Promise<ImageJobs>;
  close(): Promise<void>;
};

/** Text parts of an answer, joined. */
export const textOf = (answer: Answer): string => answer.content.map((part) => part.text ?? '').join('\n');

export async function startStory(options: StoryOptions = {}): Promise<Story> {
  const clock = createDrivenClock();
  const sandbox = await startSandbox({ seed: 'story', ...options.sandbox, now: clock.now, sleep: clock.sleep });
  const wire = await startFaultServer(sandbox.url);
  const outputDir = await mkdtemp(join(tmpdir(), 'flux-story-'));
  const logLines: string[] = [];
  const secrets = new Secrets([sandbox.key, sandbox.webhookSecret]);
  const log: Log = createStderrLog('debug', secrets.redact, (line) => logLines.push(line));
  const listen = options.webhooks ? { host: '127.0.0.1', port: await freePort() } : undefined;
  const webhookUrl = listen === undefined ? undefined : `http://127.0.0.1:${listen.port}/hooks/doitong`;
  const feed: JobFeed = new Set();
  const started: App[] = [];
  let changed: Partial<AppSettings> = {};
  const start = async (): Promise<ImageJobs> => {
    const app = await createApp(
      {
        ...defaultConfig(),
        apiKey: sandbox.key,
        apiUrl: wire.url,
        downloadHosts: [],
        webhookUrl,
        webhookSecret: listen === undefined ? undefined : sandbox.webhookSecret,
        outputDir,
        stateDir: join(outputDir, 'state'),
        sandbox: options.sandboxed ?? true,
        ...options.settings,
        ...changed,
      },
      {
        log,
        feed,
        onSecret: (secret) => secrets.add(secret),
        clock,
        self: { ...thisProcess(), session: `${thisProcess().session}${started.length}` },
        listenerFor: listen && (async (sink, publicUrl) => new WebhookListener({ ...listen, publicUrl, sink, log })),
      },
    );
    started.push(app);
    return app.jobs;
  };
  let jobs = madeOnce(start);
  const questions = { isUnanswered: false };
  const confirmations = new Confirmations(randomKey());
  const [clientEnd, serverEnd] = InMemoryTransport.createLinkedPair();
  const endpoint = serveStdio(
    () =>
      createMcpServer({
        version: '0.0.0-test',
        sandbox: options.sandboxed ?? true,
        defaultWaitSeconds: options.defaultWaitSeconds ?? 45,
        resultContent: options.resultContent ?? 'auto',
        preview: options.preview ?? 'auto',
        jobs: () => jobs(),
        startedJobs: () => started.at(-1)?.jobs,
        questions,
        confirmations: async () => confirmations,
        feed,
        ending: new AbortController().signal,
        viewerPage: readViewerPage,
        clock,
        log,
        redact: secrets.redact,
      }),
    { transport: serverEnd },
  );
  const client = inTime(clock, await connect(options, clientEnd));
  return {
    ...client,
    clock,
    sandbox,
    wire,
    outputDir,
    webhookUrl,
    logLines,
    startedApps: () => started.length,
    jobs: () => jobs(),
    restart: async (settings = changed) => {
      changed = settings;
      await clock.during(started.at(-1)?.close() ?? Promise.resolve());
      jobs = madeOnce(start);
    },
    close: async () => {
      await client.close();
      await clock.during(endpoint.close());
      await Promise.all(started.map((app) => clock.during(app.close())));
      clock.stop();
      await wire.close();
      await sandbox.close();
      await rm(outputDir, { recursive: true, force: true });
    },
  };
}

type Connected = Pick<
  Story,
  | 'call'
  | 'listTools'
  | 'readResource'
  | 'listResources'
  | 'listTemplates'
  | 'listPrompts'
  | 'getPrompt'
  | 'complete'
  | 'subscribe'
  | 'unsubscribe'
  | 'instructions'
  | 'protocol'
  | 'close'
>;

/** Time passes while the client waits for an answer, and between two calls, of which no two come at the same moment. */
function inTime(clock: DrivenClock, client: Connected): Connected {
  return {
    ...client,
    call: async (...args) => {
      await clock.pass(1);
      return clock.during(client.call(...args));
    },
    listTools: () => clock.during(client.listTools()),
    readResource: (uri) => clock.during(client.readResource(uri)),
    listResources: (cursor) => clock.during(client.listResources(cursor)),
    listTemplates: () => clock.during(client.listTemplates()),
    listPrompts: () => clock.during(client.listPrompts()),
    getPrompt: (name, args) => clock.during(client.getPrompt(name, args)),
    complete: (ref, name, value) => clock.during(client.complete(ref, name, value)),
    subscribe: (uris, news) => clock.during(client.subscribe(uris, news)),
    unsubscribe: (uris) => clock.during(client.unsubscribe(uris)),
  };
}

/** The text of the first message. */
const wordsOf = ({ messages }: { messages: { content: { type: string; text?: string } }[] }): string =>
  messages[0]?.content.text ?? '';

async function connect(options: StoryOptions, transport: InMemoryTransport): Promise<Connected> {
  const { era = 'v1' } = options;
  return era === 'v1' ? connectV1(options, transport) : connectV2(options, transport, era);
}

const VIEWER = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } };
const capabilitiesOf = ({ onQuestion, showsViewer }: StoryOptions) => ({
  ...(onQuestion === undefined ? {} : { elicitation: {} }),
  ...(showsViewer ? { extensions: VIEWER } : {}),
});
const nameOf = ({ clientName = 'journey-client' }: StoryOptions): string => clientName;

/** Of real time, which says nothing about a story: the test's own limit comes first. */
const CALL_TIMEOUT_MS = 600_000;

async function connectV1(options: StoryOptions, transport: InMemoryTransport): Promise<Connected> {
  const { onQuestion } = options;
  const client = new V1Client({ name: nameOf(options), version: '1.0.0' }, { capabilities: capabilitiesOf(options) });
  if (onQuestion !== undefined)
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => onQuestion(params as Question));
  let agreed = '';
  const received = Object.assign(transport, {
    setProtocolVersion: (version: string) => {
      agreed = version;
    },
  });
  await client.connect(received as unknown as V1Transport);
  return {
    call: async (tool, args = {}, { signal, onProgress } = {}) =>
      (await client.callTool({ name: tool, arguments: args }, undefined, {
        timeout: CALL_TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onprogress: onProgress }),
      })) as Answer,
    listTools: async () => (await client.listTools()).tools,
    readResource: async (uri) => (await client.readResource({ uri })) as Awaited<ReturnType<Story['readResource']>>,
    listResources: async (cursor) =>
      (await client.listResources(cursor === undefined ? {} : { cursor })) as Awaited<
        ReturnType<Story['listResources']>
      >,
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: async (prompt, args = {}) =>
      wordsOf((await client.getPrompt({ name: prompt, arguments: args })) as Parameters<typeof wordsOf>[0]),
    complete: async (ref, argument, value) =>
      (await client.complete({ ref, argument: { name: argument, value } })).completion.values,
    subscribe: async (uris, news) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => news(`changed ${params.uri}`));
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () => news('list'));
      for (const uri of uris) await client.subscribeResource({ uri });
    },
    unsubscribe: async (uris) => {
      for (const uri of uris) await client.unsubscribeResource({ uri });
    },
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    instructions: () => client.getInstructions(),
    protocol: () => agreed,
    close: () => client.close(),
  };
}

async function connectV2(options: StoryOptions, transport: InMemoryTransport, era: 'v2' | '2026'): Promise<Connected> {
  const { onQuestion } = options;
  const mode = era === '2026' ? ({ pin: '2026-07-28' } as const) : 'legacy';
  const client = new ModernClient(
    { name: nameOf(options), version: '1.0.0' },
    { versionNegotiation: { mode }, capabilities: capabilitiesOf(options) },
  );
  if (onQuestion !== undefined)
    client.setRequestHandler('elicitation/create', async ({ params }) => onQuestion(params as Question));
  await client.connect(transport as unknown as Parameters<ModernClient['connect']>[0]);
  let listening: McpSubscription | undefined;
  return {
    call: async (tool, args = {}, { signal, onProgress } = {}) =>
      (await client.callTool(
        { name: tool, arguments: args },
        {
          timeout: CALL_TIMEOUT_MS,
          ...(signal === undefined ? {} : { signal }),
          ...(onProgress === undefined ? {} : { onprogress: onProgress }),
        },
      )) as Answer,
    listTools: async () => (await client.listTools()).tools,
    readResource: async (uri) => (await client.readResource({ uri })) as Awaited<ReturnType<Story['readResource']>>,
    listResources: async (cursor) =>
      (await client.listResources(cursor === undefined ? {} : { cursor })) as Awaited<
        ReturnType<Story['listResources']>
      >,
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: async (prompt, args = {}) =>
      wordsOf((await client.getPrompt({ name: prompt, arguments: args })) as Parameters<typeof wordsOf>[0]),
    complete: async (ref, argument, value) =>
      (await client.complete({ ref, argument: { name: argument, value } })).completion.values,
    subscribe: async (uris, news) => {
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => news(`changed ${params.uri}`));
      client.setNotificationHandler('notifications/resources/list_changed', () => news('list'));
      if (era === '2026') listening = await client.listen({ resourceSubscriptions: uris, resourcesListChanged: true });
      else for (const uri of uris) await client.subscribeResource({ uri });
    },
    unsubscribe: async (uris) => {
      if (era === '2026') await listening?.close();
      else for (const uri of uris) await client.unsubscribeResource({ uri });
    },
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    instructions: () => client.getInstructions(),
    protocol: () => client.getNegotiatedProtocolVersion() ?? '',
    close: () => client.close(),
  };
}
