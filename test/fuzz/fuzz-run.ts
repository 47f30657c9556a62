/** Sends mutated messages to the packed program and compares what comes back with what had to come back. */
import { once } from 'node:events';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { createDice, type Dice } from '../crash/dice.ts';
import { type PackedPackage, type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { envelope, jsonRpcLines, RawHost, type RpcMessage } from '../support/raw-host.ts';
import { expectedAnswers } from './expected-answers.ts';
import { SESSIONS, type Session, wholeMessage } from './messages.ts';
import { mutated } from './mutate.ts';

const MESSAGES_PER_SESSION = 1_000;
/** Between two looks at whether the program still answers. */
const BURST = 50;
const KEY = 'doitong-live-8842f0c1d97be35a4b6e';

export type FuzzReport = {
  seed: number;
  messages: number;
  sessions: number;
  answersExpected: number;
  ordersSent: number;
  charges: number;
  /** Each names the session and what was wrong; empty when all held. */
  problems: string[];
};

export async function runFuzz(options: { seed: number; messages: number }): Promise<FuzzReport> {
  const report = { ...options, sessions: 0, answersExpected: 0, ordersSent: 0, charges: 0, problems: [] };
  const packed = await unpackPackage();
  try {
    const dice = createDice(options.seed);
    for (let left = options.messages; left > 0; left -= MESSAGES_PER_SESSION)
      await runSession(packed, dice, Math.min(left, MESSAGES_PER_SESSION), report);
  } finally {
    await packed.close();
  }
  return report;
}

async function runSession(packed: PackedPackage, dice: Dice, messages: number, report: FuzzReport): Promise<void> {
  const version = SESSIONS[report.sessions % SESSIONS.length] ?? 'none';
  report.sessions += 1;
  const complain = (what: string): void => {
    report.problems.push(`session ${report.sessions} (${version}): ${what}`);
  };
  const sandbox = await startSandbox({ key: KEY, plan: 'enterprise', jobDurationMs: 0 });
  const program = await packed.start(['serve', '--log-level', 'info'], {
    env: { DOITONG_API_URL: sandbox.url, DOITONG_API_KEY: KEY, DOITONG_PLAN: 'enterprise' },
  });
  try {
    const session = new FuzzSession(program, { version });
    await session.open();
    for (let number = 0; number < messages; number += 1) {
      await session.send(mutated(wholeMessage(number, { version }, dice), dice, KEY));
      if (number % BURST === BURST - 1) await session.isAlive();
    }
    await session.close();
    session.findings().forEach(complain);
    report.answersExpected += session.answersExpected;
    report.ordersSent += session.orders.size;
    const { charges, jobs } = sandbox.inspect();
    report.charges += charges.length;
    const charged = jobs.map(({ prompt }) => prompt);
    for (const prompt of charged) if (!session.hasOrdered(prompt)) complain(`nobody ordered ${JSON.stringify(prompt)}`);
    // The same words in another size are another picture.
    const pictures = new Set(jobs.map(({ prompt, width, height }) => JSON.stringify([prompt, width, height])));
    if (pictures.size < jobs.length) complain('a picture was ordered twice');
    for (const [name, output] of [['stdout', program.stdout()] as const, ['stderr', program.stderr()] as const])
      if (output.includes(KEY) || output.includes(btoa(KEY).slice(0, 20))) complain(`the key stands on ${name}`);
  } catch (error) {
    complain(`${error instanceof Error ? error.message : error}`);
  } finally {
    program.child.kill('SIGKILL');
    await sandbox.close();
  }
}

class FuzzSession {
  readonly #program: RunningProgram;
  readonly #host: RawHost;
  readonly #session: Session;
  /** By the JSON of an id. */
  readonly #expected = new Map<string, number>();
  readonly #cancelled = new Set<string>();
  readonly orders = new Set<string>();
  #pings = 0;
  #code: number | null = null;

  constructor(program: RunningProgram, session: Session) {
    this.#program = program;
    this.#host = new RawHost(program);
    this.#session = session;
  }

  async open(): Promise<void> {
    const { version } = this.#session;
    if (version === '2026-07-28') return this.isAlive();
    if (version === 'none') return;
    const clientInfo = { name: 'fuzz', version: '1.0.0' };
    await this.#ask('initialize', { protocolVersion: version, capabilities: {}, clientInfo });
    this.#host.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  async send(bytes: Buffer): Promise<void> {
    for (let start = 0, end = 0; start <= bytes.length; start = end + 1) {
      end = bytes.indexOf('\n', start);
      if (end === -1) end = bytes.length;
      const { ids, orders, cancelled } = expectedAnswers(
        bytes.subarray(start, end),
        this.#session.version === '2025-03-26',
      );
      for (const id of ids) this.#expect(id);
      for (const order of orders) this.orders.add(order.trim());
      for (const id of cancelled) this.#cancelled.add(JSON.stringify(id));
    }
    const { stdin } = this.#program.child;
    if (!stdin.write(Buffer.concat([bytes, Buffer.from('\n')]))) await once(stdin, 'drain');
  }

  /** @throws Error when there is no answer */
  async isAlive(): Promise<void> {
    await this.#ask('tools/list', this.#session.version === '2026-07-28' ? envelope() : {});
  }

  async close(): Promise<void> {
    await this.isAlive();
    const missing = (): boolean => this.#counted().some(({ got, least }) => got < least);
    // Orders take as long as they take; a wait of the fuzzer's own making may be longer than anybody's patience.
    for (let check = 0; check < 100 && missing(); check += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    this.#program.child.stdin.end();
    this.#code = (await this.#program.exit).code;
  }

  findings(): string[] {
    const counts = this.#counted()
      .filter(({ got, least, most }) => got < least || got > most)
      .map(({ id, got, most }) => `${got} answers instead of ${most} to id ${id.slice(0, 80)}`);
    return this.#code === 0 ? counts : [`exit code ${this.#code}`, ...counts];
  }

  get answersExpected(): number {
    return [...this.#expected.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Whether the fuzzer has sent an order that says so; a style that was added stands behind it. */
  hasOrdered(prompt: string): boolean {
    return [...this.orders].some((order) => order !== '' && (prompt === order || prompt.includes(order)));
  }

  async #ask(method: string, params: Record<string, unknown>): Promise<RpcMessage> {
    this.#pings += 1;
    const id = `fuzz-${this.#pings}`;
    this.#expect(id);
    this.#host.send({ jsonrpc: '2.0', id, method, params });
    return this.#host.answer(id);
  }

  #expect(id: unknown): void {
    const name = JSON.stringify(id);
    this.#expected.set(name, (this.#expected.get(name) ?? 0) + 1);
  }

  /** How often each id was answered, and how often it had to be. */
  #counted(): { id: string; got: number; least: number; most: number }[] {
    const got = new Map<string, number>();
    for (const { id, method } of jsonRpcLines(this.#wholeLines())) {
      if (method === undefined) got.set(JSON.stringify(id), (got.get(JSON.stringify(id)) ?? 0) + 1);
    }
    return [...new Set([...this.#expected.keys(), ...got.keys()])].map((id) => {
      const most = this.#expected.get(id) ?? 0;
      return { id, got: got.get(id) ?? 0, least: this.#cancelled.has(id) ? 0 : most, most };
    });
  }

  #wholeLines(): string {
    const text = this.#program.stdout();
    return text.slice(0, text.lastIndexOf('\n') + 1);
  }
}
