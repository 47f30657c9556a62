/** A host that speaks raw JSON-RPC lines: nothing of an SDK stands between the test and the program's stdout. */
import type { RunningProgram } from './packed-program.ts';

/** Longer than anything here takes; below vitest's own limit, whose message would not show what was printed. */
const PATIENCE_MS = 25_000;

export type RpcMessage = {
  jsonrpc: '2.0';
  id?: number | string | null;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: Record<string, unknown> };
};

export type ToolResult = { isError?: boolean; content: { type: string; text?: string }[] };

/** Text parts of a tool's answer, joined. */
export const textOf = (result: unknown): string =>
  (result as ToolResult).content.map((part) => part.text ?? '').join('\n');

/** What a request of protocol 2026-07-28 says of itself. */
export const envelope = (
  version: unknown = '2026-07-28',
  capabilities: Record<string, unknown> = {},
): { _meta: Record<string, unknown> } => ({
  _meta: {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    'io.modelcontextprotocol/clientInfo': { name: 'raw-host', version: '1.0.0' },
  },
});

/** Every line of an output as a message, those of a batch one by one. @throws Error that shows the line which is not JSON-RPC, or not a line */
export function jsonRpcLines(stdout: string): RpcMessage[] {
  if (stdout !== '' && !stdout.endsWith('\n')) throw new Error(`stdout ends within a line: ${stdout.slice(-200)}`);
  return stdout.split('\n').slice(0, -1).flatMap(jsonRpcLine);
}

function jsonRpcLine(line: string): RpcMessage[] {
  try {
    const parsed: unknown = JSON.parse(line);
    const messages: unknown[] = Array.isArray(parsed) && parsed.length > 0 ? parsed : [parsed];
    if (messages.every((one) => typeof one === 'object' && one !== null && 'jsonrpc' in one && one.jsonrpc === '2.0'))
      return messages as RpcMessage[];
  } catch {}
  throw new Error(`a line on stdout is not JSON-RPC: ${JSON.stringify(line.slice(0, 300))}`);
}

/** Whatever is waited for fails when stdout brings a line that is not JSON-RPC, and when the program ends. */
export class RawHost {
  readonly #program: RunningProgram;
  readonly #messages: RpcMessage[] = [];
  readonly #wake = new Set<() => void>();
  #lastId = 0;
  #rest = '';
  #end: string | undefined;

  constructor(program: RunningProgram) {
    this.#program = program;
    program.child.stdout.on('data', (chunk: string) => this.#read(chunk));
    void program.exit.then(
      ({ code, signal }) => this.#ended(`the program ended (${signal ?? code})`),
      (error: unknown) => this.#ended(String(error)),
    );
  }

  /** Writes lines in one piece; a text goes out as it is. */
  send(...messages: (string | Record<string, unknown>)[]): void {
    const lines = messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message)));
    this.#program.child.stdin.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** A request with an id of its own, not sent yet. */
  request(method: string, params?: Record<string, unknown>): { jsonrpc: '2.0'; id: number; method: string } {
    this.#lastId += 1;
    return { jsonrpc: '2.0', id: this.#lastId, method, ...(params === undefined ? {} : { params }) };
  }

  /** Sends a request and waits for its answer, be it an error. */
  async ask(method: string, params?: Record<string, unknown>): Promise<RpcMessage> {
    const request = this.request(method, params);
    this.send(request);
    return this.answer(request.id);
  }

  answer(id: number | string | null): Promise<RpcMessage> {
    return this.waitFor(`answer to request ${id}`, (message) => message.id === id && message.method === undefined);
  }

  async handshake(protocolVersion = '2025-06-18'): Promise<RpcMessage> {
    const clientInfo = { name: 'raw-host', version: '1.0.0' };
    const answer = await this.ask('initialize', { protocolVersion, capabilities: {}, clientInfo });
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  async toolNames(): Promise<string[]> {
    const { result } = await this.ask('tools/list');
    const tools = (result?.tools ?? []) as { name: string }[];
    return tools.map(({ name }) => name);
  }

  /** The tool's result. @throws Error with the protocol's error when there is none */
  async call(name: string, args: Record<string, unknown>, progressToken?: string): Promise<ToolResult> {
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    const { result, error } = await this.ask('tools/call', { name, arguments: args, ...meta });
    if (result === undefined) throw new Error(`${name}: ${error?.message}`);
    return result as ToolResult;
  }

  /** The first message, past or future, that fits. */
  async waitFor(what: string, fits: (message: RpcMessage) => boolean): Promise<RpcMessage> {
    const limit = setTimeout(() => this.#ended(`nothing within ${PATIENCE_MS} ms`), PATIENCE_MS);
    try {
      for (;;) {
        const found = this.#messages.find(fits);
        if (found !== undefined) return found;
        if (this.#end !== undefined) {
          throw new Error(`no ${what}: ${this.#end}\nstderr: ${this.#program.stderr().slice(-2_000)}`);
        }
        await new Promise<void>((resolve) => this.#wake.add(resolve));
      }
    } finally {
      clearTimeout(limit);
    }
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    try {
      this.#messages.push(...lines.flatMap(jsonRpcLine));
    } catch (error) {
      this.#end ??= String(error);
    }
    this.#wakeAll();
  }

  #ended(reason: string): void {
    this.#end ??= reason;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}
