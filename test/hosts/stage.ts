/** What stands around one run of a client: the sandbox, folders of its own, and the server as the client starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CHECKOUT = join(import.meta.dirname, '../..');
const MAIN = join(process.env.FLUX_TEST_CHECKOUT ?? CHECKOUT, 'dist/main.js');
const RECORDER = join(import.meta.dirname, 'recorder.mjs');

/** How a client starts the server under test. */
export type ServerCommand = { command: string; args: string[]; env: Record<string, string> };

export type Stage = {
  /** The user's home and working directory, for the client. */
  home: string;
  cwd: string;
  server: ServerCommand;
  charges(): Promise<number>;
  /** Resolves when every job of the service has ended. */
  jobsFinished(): Promise<void>;
  records(): Promise<ServerRecord[]>;
  close(): Promise<void>;
};

/** One process of the server under test. */
export type ServerRecord = {
  pid: number;
  isRunning: boolean;
  clientName?: string;
  protocol?: string;
  /** Names that it has listed. */
  tools: string[];
  /** Results of `tools/call`, as they left. */
  results: unknown[];
};

export async function openStage(jobSeconds: number, settings: Record<string, string>): Promise<Stage> {
  const root = await mkdtemp(join(tmpdir(), 'flux-hosts-'));
  const folders = { home: join(root, 'home'), cwd: join(root, 'work'), recorded: join(root, 'recorded') };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  const sandbox = await startSandboxProcess(jobSeconds);
  const state = async () => {
    const response = await fetch(`${sandbox.url}/sandbox/state`, {
      headers: { authorization: `Bearer ${sandbox.key}` },
    });
    return (await response.json()) as { charges: unknown[]; jobs: { status: string }[] };
  };
  return {
    home: folders.home,
    cwd: folders.cwd,
    server: {
      command: process.execPath,
      args: ['--import', RECORDER, MAIN, 'serve'],
      env: {
        DOITONG_API_URL: sandbox.url,
        DOITONG_API_KEY: sandbox.key,
        DOITONG_PLAN: 'pro',
        // Nine pictures at once: the question is a matter of other tests.
        FLUX_CONFIRM_ABOVE_CREDITS: '500',
        FLUX_OUTPUT_DIR: join(root, 'pictures'),
        FLUX_STATE_DIR: join(root, 'state'),
        HOSTS_RECORD_DIR: folders.recorded,
        ...settings,
      },
    },
    charges: async () => (await state()).charges.length,
    jobsFinished: async () => {
      const until = Date.now() + 60_000;
      while ((await state()).jobs.some(({ status }) => status === 'processing')) {
        if (Date.now() > until) throw new Error('a job of the sandbox does not end');
        await sleep(200);
      }
    },
    records: async () => {
      const names = await readdir(folders.recorded);
      return Promise.all(names.map((name) => readRecord(join(folders.recorded, name), Number.parseInt(name, 10))));
    },
    close: async () => {
      sandbox.child.kill('SIGTERM');
      if (sandbox.child.exitCode === null) await once(sandbox.child, 'exit');
      if (process.env.HOSTS_KEEP === undefined)
        await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      else console.error(`      kept ${root}`);
    },
  };
}

async function startSandboxProcess(jobSeconds: number): Promise<{ url: string; key: string; child: ChildProcess }> {
  const args = [MAIN, 'sandbox', '--plan', 'pro', '--job-seconds', String(jobSeconds)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  const { url, key } = JSON.parse(text.split('\n', 1)[0] ?? '') as { url: string; key: string };
  return { url, key, child };
}

/** Whatever a client wrote that cannot be read is of no interest here. */
function messagesOf(text: string): Record<string, never>[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)].flat();
    } catch {
      return [];
    }
  });
}

const META = 'io.modelcontextprotocol/';

async function readRecord(file: string, pid: number): Promise<ServerRecord> {
  const chunks = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as [direction: 'in' | 'out', text: string]);
  const all = (wanted: 'in' | 'out') =>
    messagesOf(
      chunks
        .filter(([direction]) => direction === wanted)
        .map(([, text]) => text)
        .join(''),
    );
  const record: ServerRecord = { pid, isRunning: isRunning(pid), tools: [], results: [] };
  const calls = new Set<unknown>();
  for (const message of all('in') as { method?: string; id?: unknown; params?: Record<string, unknown> }[]) {
    const meta = (message.params?._meta ?? {}) as Record<string, unknown>;
    const info = (message.params?.clientInfo ?? meta[`${META}clientInfo`]) as { name?: string } | undefined;
    if (info?.name !== undefined) record.clientName = info.name;
    const version = meta[`${META}protocolVersion`];
    if (typeof version === 'string' && message.method !== 'server/discover') record.protocol = version;
    if (message.method === 'tools/call') calls.add(message.id);
  }
  for (const message of all('out') as { id?: unknown; result?: Record<string, unknown> }[]) {
    const agreed = message.result?.protocolVersion;
    if (typeof agreed === 'string') record.protocol = agreed;
    const listed = message.result?.tools;
    if (Array.isArray(listed)) record.tools.push(...listed.map(({ name }: { name: string }) => name));
    if (calls.has(message.id) && message.result !== undefined) record.results.push(message.result);
  }
  return record;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
