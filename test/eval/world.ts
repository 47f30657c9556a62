/** What stands around one job: a user's folders, the sandbox, sessions of before, and the built server in a host. */
import { access, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';
import { inspectPicture } from '../../src/images/inspect.ts';
import { otherOriginText } from '../../src/mcp/instructions.ts';
import { CHECKOUT } from '../support/packed-program.ts';

const MAIN = join(process.env.FLUX_TEST_CHECKOUT ?? CHECKOUT, 'dist/main.js');
/** Its model gets text and pictures, and no structured data next to them. */
const HOST = { name: 'gemini-cli-mcp-client', version: '1.0.0' };
/** What readers see in place of the folder, of the sandbox's address, and of what it says of itself. */
const SHOWN_HOME = '/home/user';
const SHOWN_ORIGIN = 'https://cdn.doitong.com';
const SHOWN_REASON = 'Shows a real person';
const REASON_OF_SANDBOX = /The sandbox moderated this job because [^"]+/gu;

export type Call = { tool: string; arguments: unknown };

export type WorldOptions = {
  sandbox?: Pick<SandboxOptions, 'plan' | 'credits' | 'jobDurationMs' | 'scenarios'>;
  settings?: Readonly<Record<string, string>>;
  /** The host can put a question to its user. */
  asks?: boolean;
  /** The host gives a call up after so long; default a minute. */
  callTimeoutMs?: number;
  before?: readonly EarlierSession[];
};

/** Calls that were answered in a session that has ended, or was killed as soon as so many pictures were charged. */
export type EarlierSession = { calls: readonly Call[]; killedAtCharges?: number };

/** A tool's answer as the model gets it; `question`: one to the user, for which the call waits. */
export type Seen = { text: string; question?: string; pictures: number };

/** What the service has charged for. */
export type Order = { id: string; prompt: string; width: number; height: number; credits: number };

/** What the user finds in the folder. */
export type SavedPicture = { file: string; prompt: string; width: number; height: number };

export type Tool = { name: string; description?: string | undefined; inputSchema: unknown };

export class World {
  readonly #home: string;
  readonly #root: string;
  readonly #sandbox: Sandbox;
  readonly #options: WorldOptions;
  #client: Client | undefined;
  #question: ((text: string) => void) | undefined;
  #answer: ((isYes: boolean) => void) | undefined;
  #running: Promise<Seen> | undefined;
  /** Orders of earlier sessions. */
  earlier: readonly Order[] = [];

  private constructor(root: string, sandbox: Sandbox, options: WorldOptions) {
    this.#root = root;
    this.#home = join(root, 'home');
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /** @param seed decides what differs from job to job: a replay meets what the recording met */
  static async open(options: WorldOptions, seed: string): Promise<World> {
    await access(MAIN);
    const root = await mkdtemp(join(tmpdir(), 'flux-eval-'));
    const sandbox = await startSandbox({ seed, jobDurationMs: 1_500, ...options.sandbox });
    const world = new World(root, sandbox, options);
    await mkdir(world.#home);
    try {
      for (const session of options.before ?? []) await world.#play(session);
      world.earlier = world.orders();
      world.#client = (await world.#connect()).client;
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #connect(): Promise<{ client: Client; pid: number }> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, 'serve'],
      cwd: this.#home,
      stderr: 'ignore',
      env: {
        HOME: this.#home,
        PATH: process.env.PATH ?? '',
        DOITONG_API_URL: this.#sandbox.url,
        DOITONG_API_KEY: this.#sandbox.key,
        DOITONG_PLAN: this.#options.sandbox?.plan ?? 'pro',
        ...this.#options.settings,
      },
    });
    const { asks } = this.#options;
    // The handshake that nearly all hosts in the field use.
    const client = new Client(HOST, {
      versionNegotiation: { mode: 'legacy' },
      capabilities: asks ? { elicitation: {} } : {},
    });
    if (asks) client.setRequestHandler('elicitation/create', ({ params }) => this.#ask(params));
    await client.connect(transport);
    return { client, pid: transport.pid ?? 0 };
  }

  async #play({ calls, killedAtCharges }: EarlierSession): Promise<void> {
    const { client, pid } = await this.#connect();
    const played = (async () => {
      for (const { tool, arguments: args } of calls) {
        const { isError, content } = await client.callTool({ name: tool, arguments: args as never });
        if (isError) throw new Error(`an earlier session went wrong: ${JSON.stringify(content)}`);
      }
    })();
    if (killedAtCharges === undefined) {
      await played;
      await client.close();
      return;
    }
    const broken = played.catch(() => undefined);
    while (this.orders().length < killedAtCharges) await sleep(5);
    // So that the server has noted what the service answered.
    await sleep(300);
    process.kill(pid, 'SIGKILL');
    await broken;
    await client.close();
  }

  async instructions(): Promise<string> {
    return this.shown(this.#client?.getInstructions() ?? '');
  }

  async tools(): Promise<Tool[]> {
    const { tools } = (await this.#client?.listTools()) ?? { tools: [] };
    return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  }

  /** Resolves with the answer, or with a question to the user: `answer` then goes on with the call. */
  async call({ tool, arguments: args }: Call): Promise<Seen> {
    const given = JSON.parse(JSON.stringify(args ?? {}).replaceAll(SHOWN_HOME, this.#home)) as never;
    const { callTimeoutMs = 60_000 } = this.#options;
    const waiting = new AbortController();
    const late = setTimeout(() => waiting.abort(), callTimeoutMs);
    const asked = new Promise<Seen>((resolve) => {
      this.#question = (question) => {
        // People think for as long as they like.
        clearTimeout(late);
        resolve({ text: '', question: this.shown(question), pictures: 0 });
      };
    });
    const calling = this.#client?.callTool(
      { name: tool, arguments: given },
      { signal: waiting.signal, timeout: 3.6e6 },
    );
    this.#running = Promise.resolve(calling)
      .then((result) => this.#seen(result as Result))
      .catch((error: unknown): Seen => {
        const text = waiting.signal.aborted
          ? `The call timed out: the host waited ${callTimeoutMs / 1_000} s, and no answer came.`
          : `Error: ${error instanceof Error ? error.message : String(error)}`;
        return { text: this.shown(text), pictures: 0 };
      })
      .finally(() => clearTimeout(late));
    return Promise.race([this.#running, asked]);
  }

  /** What the user answers to the question. @returns `undefined` where there is none */
  async answer(isYes: boolean): Promise<Seen | undefined> {
    if (this.#answer === undefined) return undefined;
    this.#answer(isYes);
    this.#answer = undefined;
    return this.#running;
  }

  get isAsking(): boolean {
    return this.#answer !== undefined;
  }

  async #ask(params: unknown) {
    const { message, requestedSchema } = params as { message: string; requestedSchema?: { properties?: object } };
    const isYes = await new Promise<boolean>((resolve) => {
      this.#answer = resolve;
      this.#question?.(message);
    });
    const ticked = Object.keys(requestedSchema?.properties ?? {}).map((name) => [name, true]);
    return isYes ? { action: 'accept' as const, content: Object.fromEntries(ticked) } : { action: 'decline' as const };
  }

  #seen({ content = [] }: Result): Seen {
    const parts = content.map((part) => {
      if (part.type === 'text') return this.shown(part.text ?? '');
      if (part.type !== 'image') return `[${part.type} ${this.shown(part.uri ?? '')}]`;
      const size = inspectPicture(Buffer.from(part.data ?? '', 'base64'))?.size;
      return `[image ${size?.width}×${size?.height}]`;
    });
    return { text: parts.join('\n'), pictures: content.filter(({ type }) => type === 'image').length };
  }

  /** As it would read for a user of the real service: a real address, no note about another one, the user's own home. */
  shown(text: string): string {
    const { url } = this.#sandbox;
    const note = otherOriginText(url);
    const lines = text.split('\n').filter((line) => !line.includes(note));
    const known = lines.join('\n').replaceAll(url, SHOWN_ORIGIN).replaceAll(this.#home, SHOWN_HOME);
    return known.replace(REASON_OF_SANDBOX, SHOWN_REASON);
  }

  /** All that was charged, oldest first. */
  orders(): Order[] {
    return this.#sandbox.inspect().jobs.map(({ id, prompt, width, height, creditCost: credits }) => {
      return { id, prompt, width, height, credits };
    });
  }

  async pictures(): Promise<SavedPicture[]> {
    const folder = join(this.#home, 'Pictures/flux-pro');
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    return Promise.all(names.filter((name) => name.endsWith('.jpg')).map((name) => this.#picture(join(folder, name))));
  }

  async #picture(path: string): Promise<SavedPicture> {
    const found = inspectPicture(await readFile(path));
    const { prompt } = JSON.parse(await readFile(path.replace(/jpg$/u, 'json'), 'utf8')) as { prompt: string };
    const { width, height } = (found?.isWhole ? found.size : undefined) ?? { width: 0, height: 0 };
    return { file: this.shown(path), prompt, width, height };
  }

  /** Waits while pictures are being made or saved, as long as the reader thought, for nobody reads as fast as a replay. */
  async passTime(atMostMs: number): Promise<void> {
    const until = performance.now() + atMostMs;
    const isOpen = async () => {
      const { jobs } = this.#sandbox.inspect();
      const finished = jobs.filter(({ status }) => status === 'completed').length;
      return jobs.some(({ status }) => status === 'processing') || (await this.pictures()).length < finished;
    };
    // A moment longer, since orders that wait for a slot follow.
    for (let quiet = 0; quiet < 5 && performance.now() < until; quiet = (await isOpen()) ? 0 : quiet + 1)
      await sleep(100);
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.#sandbox.close();
    await rm(this.#root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

type Result = { content?: { type: string; text?: string; data?: string; uri?: string }[] };
