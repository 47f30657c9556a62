/**
 * The transport of the protocol over stdin and stdout. The SDK's own drops what it cannot read and stops at the end of
 * input; this one answers every request that can be read, once, and can wait until all answers are written.
 */
import {
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type McpServerFactory,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Clock, Log } from '../core/ports.ts';
import { installShutdown } from '../runtime/shutdown.ts';
import { EraGuard, invalid, type Reading, type Refusal, readLine, refusal } from './json-rpc.ts';

const MAX_LINE_MIB = 10;
/** The one revision of the protocol that has batches. */
const BATCHES_IN = '2025-03-26';
const LISTEN = 'subscriptions/listen';

/** For answers that need nobody else; a host kills after about 2 s. */
const ANSWERS_MS = 800;

export type StdioOptions = {
  /** What a subscription asks for, less what cannot be reported. */
  narrow: (request: JSONRPCRequest) => Promise<JSONRPCRequest>;
  endWaits: () => void;
  close: () => Promise<void>;
  clock: Clock;
  log: Log;
};

/** Serves until the input ends or a signal comes; then answers what can be answered, and ends the process. */
export function openStdioTransport(factory: McpServerFactory, options: StdioOptions): void {
  const { log, clock } = options;
  const transport = new StdioTransport(options, () => end('unreadable input'));
  const endpoint = serveStdio(factory, {
    transport,
    // An error may hold a whole message.
    onerror: (error) => log.warn('protocol error on stdio', { error: error.message.slice(0, 500) }),
  });
  const close = async (): Promise<void> => {
    options.endWaits();
    await Promise.race([transport.allAnswered(), clock.sleep(ANSWERS_MS)]);
    await Promise.all([endpoint.close(), options.close()]);
    await transport.written;
  };
  const end = installShutdown({ stdin: process.stdin, stdout: process.stdout, log, close });
}

type Answer = JSONRPCResponse | Refusal;
/** `expected` answers are missing, or entries to be read, until all go out together. */
type Batch = { answers: Answer[]; expected: number };

class StdioTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onerror?: (error: Error) => void;
  onclose?: () => void;
  readonly #guard = new EraGuard();
  /** Requests that were taken and are not answered yet. */
  readonly #open = new Map<unknown, { batch: Batch | undefined; isStream: boolean }>();
  /** Requests of this server that the client has not answered. */
  readonly #asked = new Set<RequestId>();
  /** Messages are taken one after the other, in the order of their lines. */
  #handled: Promise<void> = Promise.resolve();
  /** What has come of a line whose end has not. */
  #begun: Uint8Array = new Uint8Array();
  #onSettled: (() => void) | undefined;
  /** Resolves when all that was sent until now has left this process. */
  written: Promise<void> = Promise.resolve();

  /** @param onUnreadable called once, when the input cannot be read any further */
  constructor(
    private readonly options: Pick<StdioOptions, 'narrow' | 'log'>,
    private readonly onUnreadable: () => void,
  ) {}

  async start(): Promise<void> {
    process.stdin.on('data', this.#onData);
    process.stdin.on('end', this.#onEnd);
    process.stdin.on('error', (error) => this.onerror?.(error));
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (isJSONRPCRequest(message)) this.#asked.add(message.id);
    if (isJSONRPCResponse(message) && this.#settle(message.id, message)) return this.written;
    return this.#write(message);
  }

  setProtocolVersion = (version: string): void => this.#guard.agree(version);

  /** Resolves when every line that has been read is answered, apart from streams, and every answer has left. */
  async allAnswered(): Promise<void> {
    await this.#handled;
    while ([...this.#open.values()].some(({ isStream }) => !isStream))
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
    await this.written;
  }

  async close(): Promise<void> {
    this.#stopReading();
    this.onclose?.();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    const bytes = Buffer.concat([this.#begun, chunk]);
    let start = 0;
    for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n', start)) {
      this.#takeLine(bytes.subarray(start, end));
      start = end + 1;
    }
    this.#begun = bytes.subarray(start);
    if (this.#begun.length <= MAX_LINE_MIB * 1024 ** 2) return;
    const words = `a line of input is longer than ${MAX_LINE_MIB} MiB`;
    this.options.log.error(`${words}; the server ends`);
    this.#stopReading();
    this.#write(refusal(null, -32700, `Parse error: ${words}. The server ends.`));
    this.onUnreadable();
  };

  /** The last line may have come without its end. */
  readonly #onEnd = (): void => this.#takeLine(this.#begun);

  #takeLine(line: Uint8Array): void {
    this.#handled = this.#handled.then(() => this.#handleLine(line)).catch((error) => this.onerror?.(error));
  }

  #stopReading(): void {
    process.stdin.off('data', this.#onData);
    process.stdin.off('end', this.#onEnd);
    process.stdin.pause();
  }

  async #handleLine(line: Uint8Array): Promise<void> {
    const reading = readLine(line, this.#asked);
    if ('kind' in reading) return this.#handle(reading);
    if (this.#guard.agreedVersion !== BATCHES_IN) return this.#refuseBatch(reading);
    const batch: Batch = { answers: [], expected: 1 };
    for (const entry of reading) await this.#handle(entry, batch);
    this.#count(batch);
  }

  /** Each entry is refused by its id. An answer leaves nobody waiting. */
  async #refuseBatch(entries: readonly Reading[]): Promise<void> {
    const reason = `batches are supported in protocol version ${BATCHES_IN} only`;
    const answers = entries.filter(({ kind }) => kind === 'response');
    for (const answer of answers) await this.#handle(answer);
    const refused = entries.filter((entry) => entry.kind === 'request' || entry.kind === 'refused');
    const ids = refused.map(({ message }) => message.id).filter((id) => id !== null);
    for (const id of ids) this.#write(invalid(id, reason));
    if (entries.length > 0 && ids.length + answers.length === 0) this.#write(invalid(null, reason));
  }

  async #handle(reading: Reading, batch?: Batch): Promise<void> {
    if (reading.kind === 'request') return this.#handleRequest(reading.message, batch);
    if (reading.kind === 'notification' && !this.#guard.isChosen)
      return this.options.log.debug('ignored input', { because: 'a notification came before the first request' });
    if (reading.kind === 'notification') return this.#handleNotification(reading.message);
    if (reading.kind === 'refused') return this.#refuse(reading.message, batch);
    if (reading.kind === 'ignored') return this.options.log.warn('ignored input', { because: reading.reason });
    const answer: JSONRPCResponse = reading.message;
    if (answer.id !== undefined) this.#asked.delete(answer.id);
    this.onmessage?.(answer);
  }

  async #handleRequest(message: JSONRPCRequest, batch: Batch | undefined): Promise<void> {
    const { id, method } = message;
    const reason = this.#open.has(id)
      ? 'this id belongs to a request that is not answered yet'
      : batch !== undefined && method === 'initialize' && 'initialize is never part of a batch';
    const refused = reason ? invalid(id, reason) : this.#guard.check(message);
    if (refused !== undefined) return this.#refuse(refused, batch);
    if (batch !== undefined) batch.expected += 1;
    this.#open.set(id, { batch, isStream: method === LISTEN });
    this.onmessage?.(method === LISTEN ? await this.options.narrow(message) : message);
  }

  #handleNotification(message: JSONRPCNotification): void {
    this.onmessage?.(message);
    // A cancelled request gets no answer any more.
    if (message.method === 'notifications/cancelled') this.#settle(message.params?.requestId);
  }

  /** @returns whether the answer goes out with others, because its request came in a batch */
  #settle(id: unknown, answer?: JSONRPCResponse): boolean {
    const batch = this.#open.get(id)?.batch;
    this.#open.delete(id);
    this.#onSettled?.();
    if (batch === undefined) return false;
    if (answer !== undefined) batch.answers.push(answer);
    this.#count(batch);
    return true;
  }

  /** One of the expected answers has come, or never will; or all entries have been read. */
  #count(batch: Batch): void {
    batch.expected -= 1;
    if (batch.expected === 0 && batch.answers.length > 0) this.#write(batch.answers);
  }

  #refuse(response: Refusal, batch: Batch | undefined): void {
    this.options.log.warn('refused input', { because: response.error.message });
    if (batch === undefined) this.#write(response);
    else batch.answers.push(response);
  }

  #write(message: JSONRPCMessage | Answer | readonly Answer[]): Promise<void> {
    // A reader that left ends the process, by an event of stdout.
    this.written = new Promise((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()));
    return this.written;
  }
}
