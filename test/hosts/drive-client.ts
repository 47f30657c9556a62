/** Runs one client to its end, with a home of its own, and without what would call its maker. */
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientRow } from './clients.ts';
import { COMMAND_LINES } from './command-lines/all.ts';
import type { Task } from './command-lines/command-line.ts';
import type { Stage } from './stage.ts';

const CLIENTS_FOLDER = join(import.meta.dirname, 'clients');
/** A client that hangs ends its case, not the run. */
const PATIENCE_MS = 120_000;

const QUIET: Record<string, string> = {
  CI: 'true',
  NO_COLOR: '1',
  DO_NOT_TRACK: '1',
  DISABLE_TELEMETRY: '1',
  OTEL_SDK_DISABLED: 'true',
  NO_UPDATE_NOTIFIER: '1',
  MCP_USE_ANONYMIZED_TELEMETRY: 'false',
  MASTRA_TELEMETRY_DISABLED: '1',
  VOLTAGENT_TELEMETRY_DISABLED: 'true',
  OPENAI_AGENTS_DISABLE_TRACING: '1',
  LANGCHAIN_TRACING_V2: 'false',
  LANGSMITH_TRACING: 'false',
  CONTINUE_TELEMETRY_ENABLED: '0',
  QWEN_TELEMETRY_ENABLED: 'false',
  // Nothing of these runs is for the world outside; what asks all the same gets no answer, at once.
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1,localhost',
  no_proxy: '127.0.0.1,localhost',
};

export type Outcome = { code: number | null; output: string; timedOut: boolean };

/** @param node the Node that the clients run on */
export async function driveClient(row: ClientRow, stage: Stage, task: Task, node: string): Promise<Outcome> {
  const folder = join(CLIENTS_FOLDER, row.client);
  const base = { PATH: process.env.PATH ?? '', HOME: stage.home, TMPDIR: join(stage.home, 'tmp'), ...QUIET };
  const commandLine = COMMAND_LINES[row.client];
  if (commandLine === undefined) {
    const script = join(folder, 'drive.mjs');
    await access(script);
    return run([node, script], { ...base, HOSTS_TASK: JSON.stringify({ ...task, server: stage.server }) }, stage.cwd);
  }
  // A command line takes one prompt at a time; a second one is a second run, as a user would start it.
  const outcomes: Outcome[] = [];
  for (const prompt of task.prompts) {
    const { command, env } = await commandLine({ stage, task, prompt, node });
    outcomes.push(await run(command, { ...base, ...env }, stage.cwd));
  }
  return {
    code: outcomes.find(({ code }) => code !== 0)?.code ?? 0,
    output: outcomes.map(({ output }) => output).join('\n'),
    timedOut: outcomes.some(({ timedOut }) => timedOut),
  };
}

function run([command = '', ...args]: string[], env: Record<string, string>, cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    // A group of its own, so that what it leaves behind can be ended with it.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks: string[] = [];
    child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
    child.stderr.on('data', (chunk) => chunks.push(String(chunk)));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, PATIENCE_MS);
    // `exit`, not `close`: a server that is left running may hold the pipes.
    child.on('exit', (code) => {
      clearTimeout(timer);
      setTimeout(() => resolve({ code, output: chunks.join(''), timedOut }), 100);
    });
    child.on('error', (error) => resolve({ code: null, output: String(error), timedOut }));
  });
}
