/**
 * `npm run eval:console`: a reader with nothing but a shell does one of the jobs. Without a step it prints what a model
 * reads first; a step is JSON, as an argument or, for `-`, as lines on stdin. The session goes on in a process of its
 * own until the reader is done; then the transcript is written.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { JOBS, jobNamed } from './jobs.ts';
import { Session, stepSchema } from './session.ts';
import { digests, type Transcript, writeTranscript } from './transcript.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    reader: { type: 'string', default: '' },
    job: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
    stop: { type: 'boolean', default: false },
    /** Of the process that keeps the session. */
    keep: { type: 'boolean', default: false },
  },
});

const START_MS = 120_000;
/** A reader that has left. */
const IDLE_MS = 60 * 60_000;

type Reply = { shown: string };

const { reader, job } = values;
const folder = join(tmpdir(), `flux-eval-${userInfo().uid}`);
const socket = join(folder, `${job}.${reader}.sock`);
const logFile = join(folder, `${job}.${reader}.log`);

if (values.list) for (const { id, says } of JOBS) console.log(`${id.padEnd(14)}${says.join(' / ')}`);
else {
  if (!/^[a-z0-9-]{1,20}$/u.test(reader)) throw new Error('--reader takes a name of letters, digits and -');
  jobNamed(job);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (values.keep) await keep();
  else await take();
}

async function take(): Promise<void> {
  const steps = positionals.includes('-') ? (await readAll(process.stdin)).split('\n') : positionals;
  const lines = steps.filter((line) => line.trim() !== '');
  if (values.stop) lines.push('stop');
  let connection = await open();
  if (connection === undefined) {
    if (values.stop) return;
    connection = await start();
    if (lines.length > 0) console.log(`${(await ask(connection, 'briefing')).shown}\n`);
  }
  for (const line of lines.length === 0 ? ['briefing'] : lines) console.log((await ask(connection, line)).shown);
  connection.destroy();
}

async function open(): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => resolve(connection));
    connection.on('error', () => resolve(undefined));
  });
}

async function start(): Promise<Socket> {
  rmSync(socket, { force: true });
  const log = openSync(logFile, 'w');
  const program = [...process.execArgv, import.meta.filename, '--keep', '--reader', reader, '--job', job];
  const child = spawn(process.execPath, program, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(100)) {
    const connection = await open();
    if (connection !== undefined) return connection;
    if (child.exitCode !== null) break;
  }
  throw new Error(`the session did not start: ${readFileSync(logFile, 'utf8')}`);
}

/** One line there, one line back. */
async function ask(connection: Socket, line: string): Promise<Reply> {
  connection.write(`${JSON.stringify(line)}\n`);
  let answer = '';
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) {
    answer += String(chunk);
    if (answer.endsWith('\n')) return JSON.parse(answer) as Reply;
  }
  throw new Error(`the session ended: ${readFileSync(logFile, 'utf8')}`);
}

async function keep(): Promise<void> {
  const session = await Session.open(job);
  const steps: Transcript['steps'] = [];
  let lastAnswerAt = Date.now();

  async function answer(line: string): Promise<string> {
    if (line === 'briefing') return session.briefing();
    const step = stepSchema.safeParse(jsonOf(line));
    if (!step.success)
      return 'That is no step. A step is {"tool": "NAME", "arguments": {…}}, {"answer": "yes"} or {"done": "…"}, as JSON.';
    const afterMs = Date.now() - lastAnswerAt;
    const shown = await session.step(step.data);
    steps.push({ afterMs, step: step.data, shown });
    lastAnswerAt = Date.now();
    if (session.isOver) {
      const recorded = new Date().toISOString().slice(0, 10);
      const opening = session.opening === '' ? {} : { opening: session.opening };
      const texts = digests(session.texts());
      await writeTranscript({ job, reader, recorded, texts, ...opening, steps, result: await session.result() });
    }
    return shown;
  }

  async function end(): Promise<never> {
    for (const file of [socket, logFile]) rmSync(file, { force: true });
    await session.close();
    process.exit();
  }

  let idle = setTimeout(end, IDLE_MS);
  const server = createServer((connection) => {
    let received = '';
    connection.on('error', () => undefined);
    connection.on('data', async (chunk) => {
      received += String(chunk);
      if (!received.endsWith('\n')) return;
      const line = JSON.parse(received) as string;
      received = '';
      clearTimeout(idle);
      if (line === 'stop') return connection.end(`${JSON.stringify({ shown: 'stopped' })}\n`, end);
      const shown = await answer(line).catch((error: unknown) => String(error));
      connection.write(`${JSON.stringify({ shown } satisfies Reply)}\n`);
      if (session.isOver) return connection.end(end);
      idle = setTimeout(end, IDLE_MS);
    });
  });
  server.listen(socket);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
