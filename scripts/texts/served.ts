/** The real server in memory, over a job service that is played: requests in, results and errors out. */
import { InMemoryTransport, type JSONRPCMessage } from '@modelcontextprotocol/server';
import { isSettled, type Job } from '../../src/core/job.ts';
import { type PageOptions, pageOfJobs } from '../../src/core/job-store.ts';
import type { ImageJobs } from '../../src/jobs/image-jobs.ts';
import { createMcpServer } from '../../src/mcp/server.ts';
import type { McpDeps } from '../../src/mcp/tool.ts';
import { NOW } from '../text-samples/jobs.ts';
import { textOf } from './markdown.ts';

const silent = (): void => undefined;
export const SILENT_LOG = { debug: silent, info: silent, warn: silent, error: silent };

/** What the server asks of the records; everything else fails unless `more` has it. */
export function jobService(jobs: readonly Job[], more: object = {}): object {
  const newestFirst = [...jobs].sort((a, b) => (a.id < b.id ? 1 : -1));
  const store = {
    open: async () => newestFirst.filter((job) => !isSettled(job)),
    async *newest(before?: string) {
      yield* newestFirst.filter(({ id }) => before === undefined || id < before);
    },
  };
  return {
    settings: {},
    watch: silent,
    otherKeys: { unfinished: async () => undefined },
    page: (options: PageOptions) => pageOfJobs(store, options),
    find: async (id: string) => jobs.find((job) => job.id === id),
    ...more,
  };
}

type Answer = { result?: Record<string, unknown>; error?: { code: number; message: string } };
export type Ask = (method: string, params?: Record<string, unknown>) => Promise<Answer>;

/** @returns answers a request, after the handshake of a client that no profile knows */
export async function serve(service: object, patch: Partial<McpDeps> = {}): Promise<Ask> {
  const deps: McpDeps = {
    version: '1.0.0',
    sandbox: false,
    defaultWaitSeconds: 45,
    resultContent: 'auto',
    preview: 'auto',
    jobs: async () => service as ImageJobs,
    startedJobs: () => service as ImageJobs,
    questions: { isUnanswered: false },
    confirmations: () => Promise.reject(new Error('nothing is asked here')),
    feed: new Set(),
    ending: new AbortController().signal,
    viewerPage: async () => undefined,
    clock: { now: () => NOW, monotonic: () => 0, random: () => 0, sleep: async () => undefined, deadline: noDeadline },
    log: SILENT_LOG,
    redact: (text) => text,
    ...patch,
  };
  const [client, server] = InMemoryTransport.createLinkedPair();
  await createMcpServer(deps).connect(server);
  const waiting = new Map<unknown, (answer: Answer) => void>();
  client.onmessage = (message: JSONRPCMessage) => {
    if ('id' in message) waiting.get(message.id)?.(message as Answer);
  };
  await client.start();
  let last = 0;
  const ask: Ask = (method, params) => {
    last += 1;
    const id = last;
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    void client.send({ jsonrpc: '2.0', id, method, ...(params && { params }) } as JSONRPCMessage);
    return answer;
  };
  await ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'a-host', version: '1.0.0' },
  });
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return ask;
}

const noDeadline = () => ({ signal: new AbortController().signal, clear: silent });

/** @throws Error when the call is answered with an error of the protocol */
export async function calledText(ask: Ask, name: string, args: object = {}): Promise<string> {
  const { result, error } = await ask('tools/call', { name, arguments: args });
  if (result === undefined) throw new Error(`${name}: ${error?.message}`);
  return textOf(result as Parameters<typeof textOf>[0]);
}

/** @throws Error when the request is answered without one */
export async function errorOf(ask: Ask, method: string, params?: Record<string, unknown>): Promise<string> {
  const { error } = await ask(method, params);
  if (error === undefined) throw new Error(`${method} is answered without an error`);
  return `${error.code}: ${error.message}`;
}
