/** The built server as a host starts it: over stdio, with a real MCP client, and with signals for its process. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CHECKOUT } from '../../support/packed-program.ts';
import type { Place } from './service.ts';

/** Another checkout with its build, to see a mode fail on an older state. */
const MAIN = join(process.env.FLUX_TEST_CHECKOUT ?? CHECKOUT, 'dist/main.js');
/** Longer than any call here waits. */
const CALL_TIMEOUT_MS = 150_000;
/** Its answers have all data, and room for fifty pictures. */
const HOST = { name: 'claude-ai', version: '1.0.0' };

export type ServerOptions = {
  env?: Readonly<Record<string, string>>;
  /** What comes before the command: another program that starts it. */
  within?: readonly string[];
  nodeArguments?: readonly string[];
};

export type ToolResult = {
  isError?: boolean;
  content: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
};

export class Server {
  readonly #client: Client;
  /** Of the server itself, as this process sees it; what started it may have another one. */
  readonly pid: number;
  readonly ended: Promise<void>;

  private constructor(
    client: Client,
    transport: StdioClientTransport,
    /** What it logged. */
    readonly stderr: () => string,
  ) {
    this.#client = client;
    this.pid = lastChildOf(transport.pid ?? 0);
    this.ended = new Promise((resolve) => {
      client.onclose = () => resolve();
    });
  }

  static async start(place: Place, { env, within = [], nodeArguments = [] }: ServerOptions = {}): Promise<Server> {
    const [command = '', ...args] = [...within, process.execPath, ...nodeArguments, MAIN, 'serve'];
    const transport = new StdioClientTransport({
      command,
      args,
      env: { ...settingsFor(place), ...env },
      cwd: place.folder,
      stderr: 'pipe',
    });
    let stderr = '';
    transport.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const client = new Client(HOST);
    await client.connect(transport).catch((error: unknown) => {
      throw new Error(`a server did not start: ${stderr}`, { cause: error });
    });
    return new Server(client, transport, () => stderr);
  }

  /** @throws Error when the process ends before it has answered */
  async call(tool: string, args: Record<string, unknown>): Promise<ToolResult> {
    const options = { timeout: CALL_TIMEOUT_MS };
    return (await this.#client.callTool({ name: tool, arguments: args }, undefined, options)) as ToolResult;
  }

  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(this.pid, signal);
    } catch (error) {
      // It is gone already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Ends its input, as hosts do. */
  async close(): Promise<void> {
    await this.#client.close();
  }

  isStopped(): boolean {
    return statOf(this.pid)[0] === 'T';
  }

  /** In the innermost of its PID namespaces. */
  innerPid(): number {
    const [, numbers = ''] = /^NSpid:\s+(.+)$/mu.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(numbers.split(/\s+/u).at(-1));
  }
}

function settingsFor({ url, key, stateDir, outputDir, folder }: Place): Record<string, string> {
  const plenty = '1000000';
  return {
    HOME: folder,
    PATH: process.env.PATH ?? '',
    DOITONG_API_URL: url,
    DOITONG_API_KEY: key,
    DOITONG_PLAN: 'enterprise',
    FLUX_STATE_DIR: stateDir,
    FLUX_OUTPUT_DIR: outputDir,
    FLUX_MAX_CREDITS_PER_DAY: plenty,
    FLUX_MAX_CREDITS_PER_CALL: plenty,
    FLUX_MAX_IMAGES_PER_DAY: plenty,
    FLUX_CONFIRM_ABOVE_CREDITS: plenty,
    FLUX_LOW_CREDITS_ALERT: '0',
    FLUX_RESULT: 'text,structured',
  };
}

/** State, and what follows it in the system's table of processes; empty for one that is gone. */
function statOf(pid: number): string[] {
  try {
    // The name before it may hold anything, brackets too.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
}

/** A program that starts another one in a namespace stays, and waits for it. */
function lastChildOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? pid : lastChildOf(Number(text.split(' ')[0]));
}

/** Whether this machine and user may do that. */
export function isAllowed(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** By real time. @throws Error when it has not come true within that time */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const latest = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > latest) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    await sleepFor(25);
  }
}
