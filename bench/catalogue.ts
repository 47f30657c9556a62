/** Measures how many bytes the tools of a server take in a conversation, next to other servers from the npm registry. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { markdownTable, recordIfAsked } from './figures.ts';

const ROOT = join(import.meta.dirname, '..');
const PROTOCOL_VERSION = '2025-06-18';
const ANSWER_LIMIT_MS = 20_000;
const INSTALL_LIMIT_MS = 300_000;
/** Some servers do not start without a key. Nothing is ordered, so that no service ever sees it. */
const MADE_UP_KEY = 'made-up-key-0123456789';

type Start = { args: readonly string[]; env: Readonly<Record<string, string>> };
type Package = { name: string; version: string; env: Start['env']; starts: readonly Start['args'][] };

const OTHERS: readonly Package[] = [
  {
    name: 'replicate-mcp',
    version: '0.9.0',
    env: { REPLICATE_API_TOKEN: MADE_UP_KEY },
    starts: [[], ['--tools=dynamic']],
  },
  { name: 'mcp-image', version: '0.8.0', env: { GEMINI_API_KEY: MADE_UP_KEY }, starts: [[]] },
  { name: '@modelcontextprotocol/server-everything', version: '2026.8.31', env: {}, starts: [[]] },
];

/** How npm says that it got no answer, from Node's own codes for the network. */
const UNREACHABLE =
  /^(?:EAI_AGAIN|ECONN\w+|EHOSTUNREACH|EIDLETIMEOUT|ENETUNREACH|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT)$/u;

/** Why there are no figures, in words that can be recorded: nothing of the caller's settings is in them. */
class Skipped extends Error {}

type Tool = { name: string; description?: string; inputSchema: unknown };
type Result = { tools?: Tool[]; nextCursor?: string; instructions?: string };
type Catalogue = { results: Result[]; tools: Tool[]; instructions: string };

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const seenOf = ({ name, description, inputSchema }: Tool): number => bytesOf({ name, description, inputSchema });
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const figure = (value: number): string => value.toLocaleString('en-US');

/** The answers as they arrive: a client would leave out what it does not know. */
class Connection {
  readonly #transport: StdioClientTransport;
  readonly #waiting = new Map<unknown, (answer: unknown) => void>();
  readonly #ended: Promise<never>;
  #lastId = 0;
  #stderr = '';

  constructor(main: string, { args, env }: Start, home: string) {
    this.#transport = new StdioClientTransport({
      command: process.execPath,
      args: [main, ...args],
      cwd: home,
      env: { HOME: home, USERPROFILE: home, ...env },
      stderr: 'pipe',
    });
    this.#transport.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#transport.onmessage = (message) => {
      if ('id' in message && !('method' in message)) this.#waiting.get(message.id)?.(message);
    };
    this.#ended = new Promise((_resolve, reject) => {
      this.#transport.onclose = () => reject(new Skipped('it ended before it answered'));
    });
    this.#ended.catch(() => undefined);
  }

  async read(): Promise<Catalogue> {
    await this.#transport.start();
    const clientInfo = { name: 'bench', version: '1.0.0' };
    const params = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
    const { instructions = '' } = await this.#ask('initialize', params);
    await this.#send({ method: 'notifications/initialized' });
    const results: Result[] = [];
    let cursor: string | undefined;
    do {
      const result = await this.#ask('tools/list', cursor === undefined ? {} : { cursor });
      results.push(result);
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    return { results, tools: results.flatMap(({ tools = [] }) => tools), instructions };
  }

  stderr = (): string => this.#stderr;
  close = (): Promise<void> => this.#transport.close();

  /** A message that cannot be written is for a program that ended, which is noticed by itself. */
  async #send(message: { id?: number; method: string; params?: Record<string, unknown> }): Promise<void> {
    await this.#transport.send({ jsonrpc: '2.0', ...message }).catch(() => undefined);
  }

  async #ask(method: string, params: Record<string, unknown>): Promise<Result> {
    const id = ++this.#lastId;
    const answered = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
    await this.#send({ id, method, params });
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      limit = setTimeout(
        () => reject(new Skipped(`it did not answer ${method} within ${ANSWER_LIMIT_MS / 1_000} s`)),
        ANSWER_LIMIT_MS,
      );
    });
    try {
      const { result } = (await Promise.race([answered, late, this.#ended])) as { result?: Result };
      if (result === undefined) throw new Skipped(`it answered ${method} with an error`);
      return result;
    } finally {
      clearTimeout(limit);
    }
  }
}

/** In an empty home, with PATH and the like alone of the caller's variables: no key or setting of the user gets in. */
async function catalogueOf(main: string, start: Start, folder: string): Promise<Catalogue> {
  const home = mkdtempSync(join(folder, 'home-'));
  const connection = new Connection(main, start, home);
  try {
    return await connection.read();
  } catch (error) {
    console.error(connection.stderr().slice(-2_000));
    throw error;
  } finally {
    await connection.close();
  }
}

/** @returns the path of the program that the package installs */
async function install({ name, version }: Package, folder: string): Promise<string> {
  const prefix = join(folder, `${name}-${version}`.replaceAll('/', '-'));
  mkdirSync(prefix, { recursive: true });
  const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--fetch-retries=1', '--json'];
  try {
    await promisify(execFile)('npm', ['install', '--prefix', prefix, ...options, `${name}@${version}`], {
      timeout: INSTALL_LIMIT_MS,
    });
  } catch (error) {
    throw new Skipped(installFailure(error as { stdout?: string; killed?: boolean }));
  }
  const installed = join(prefix, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  const [program] = Object.values(bin);
  if (program === undefined) throw new Skipped('the package has no program');
  return join(installed, program);
}

/** The code alone: npm's own sentences can hold the address of the user's registry. */
function installFailure({ stdout = '', killed = false }: { stdout?: string; killed?: boolean }): string {
  if (killed) return `npm did not install it within ${INSTALL_LIMIT_MS / 1_000} s`;
  let code = 'no code';
  try {
    code = (JSON.parse(stdout) as { error: { code: string } }).error.code;
  } catch {}
  return UNREACHABLE.test(code) ? `the npm registry cannot be reached (${code})` : `npm cannot install it (${code})`;
}

type Row = { label: string; catalogue: Catalogue | Skipped };

async function unlessSkipped<T>(work: Promise<T>): Promise<T | Skipped> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Skipped) return error;
    throw error;
  }
}

async function rowsOf(other: Package, folder: string): Promise<Row[]> {
  const main = await unlessSkipped(install(other, folder));
  const rows: Row[] = [];
  for (const args of other.starts) {
    const label = [`\`${other.name}\` ${other.version}`, ...args.map((arg) => `\`${arg}\``)].join(' ');
    const start = { args, env: other.env };
    const catalogue = main instanceof Skipped ? main : await unlessSkipped(catalogueOf(main, start, folder));
    rows.push({ label, catalogue });
  }
  return rows;
}

function totals({ label, catalogue }: Row): string[] {
  if (catalogue instanceof Skipped) return [label, `not measured: ${catalogue.message}`, '', '', '', ''];
  const seen = sum(catalogue.tools.map(seenOf));
  const instructions = Buffer.byteLength(catalogue.instructions);
  const listed = sum(catalogue.results.map(bytesOf));
  return [label, ...[catalogue.tools.length, listed, seen, instructions, seen + instructions].map(figure)];
}

function toolRows({ label, catalogue }: Row): string[][] {
  if (catalogue instanceof Skipped) return [];
  return catalogue.tools.map((tool) => [label, `\`${tool.name}\``, figure(bytesOf(tool)), figure(seenOf(tool))]);
}

function section(rows: readonly Row[]): string {
  const method =
    `Bytes of JSON in UTF-8, without spaces, on ${new Date().toISOString().slice(0, 10)}. Each server is started over ` +
    `stdio in an empty folder, with a made-up key if it takes one, and gets \`initialize\` (${PROTOCOL_VERSION}, a ` +
    'client without capabilities), `notifications/initialized` and `tools/list`; nothing is ordered. A host gives its ' +
    'model the names, descriptions and input schemas, and the instructions if it uses them; the rest of `tools/list` ' +
    '(titles, annotations, output schemas) is for the host. This server is measured from its build; each of the ' +
    'others is installed by npm into a temporary folder of its own, and no script of a package is run. ' +
    '`replicate-mcp` has a tool for each endpoint unless it is told otherwise. With `--tools=dynamic` it has three ' +
    'tools to find and call endpoints, whose schemas come in results then, which are not counted. `server-everything` ' +
    'makes no pictures: it is the reference server of the protocol.';
  const seen = 'names, descriptions, input schemas';
  return [
    method,
    '',
    markdownTable(['server', 'tools', '`tools/list`', seen, 'instructions', 'sum of the last two'], rows.map(totals)),
    '',
    markdownTable(['server', 'tool', 'in `tools/list`', 'name, description, input schema'], rows.flatMap(toolRows)),
  ].join('\n');
}

const folder = mkdtempSync(join(tmpdir(), 'flux-catalogue-'));
try {
  const own = await catalogueOf(
    join(ROOT, 'dist/main.js'),
    { args: [], env: { DOITONG_API_KEY: MADE_UP_KEY } },
    folder,
  );
  const rows: Row[] = [{ label: '**this server**', catalogue: own }];
  for (const other of OTHERS) rows.push(...(await rowsOf(other, folder)));
  const content = section(rows);
  console.log(content);
  recordIfAsked('catalogue', content);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
