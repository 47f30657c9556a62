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
import { Mutex } from '../core/primitives.ts';
import { installShutdown } from '../runtime/shutdown.ts';
import {
  EraGuard,
  invalid,
  NO_METHOD,
  type Reading,
  type Refusal,
  readLine,
  refusal,
  unreadableAnswer,
} from './json-rpc.ts';

const MAX_LINE_MIB = 10;
const NEWLINE = 0x0a;
/** The one revision of the protocol that has batches. */
const BATCHES_IN = '2025-03-26';
const LISTEN = 'subscriptions/listen';

/** For answers that need nobody else; a host kills after about 2 s. */
const ANSWERS_MS = 800;

export type StdioOptions = {
  /** What a subscription asks for, less what cannot be reported. */
  narrow: (request: JSONRPCRequest) => Promise<JSONRPCRequest>;
  /** Ends what calls wait for, so that they answer. */
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
    onerror: (error) => log.warn('protocol trouble on stdio', { error: error.message.slice(0, 500) }),
  });
  const close = async (): Promise<void> => {
    options.endWaits();
    await Promise.race([transport.allAnswered(), clock.sleep(ANSWERS_MS)]);
    await Promise.all([endpoint.close(), options.close()]);
    await transport.flushed();
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
  readonly #open = new Map<RequestId, { batch: Batch | undefined; isStream: boolean }>();
  /** Requests of this server that the client has not answered. */
  readonly #asked = new Set<RequestId>();
  /** Messages are taken one after the other, in the order of their lines. */
  readonly #turns = new Mutex();
  #line: Uint8Array[] = [];
  #lineBytes = 0;
  #onSettled: (() => void) | undefined;
  #written: Promise<void> = Promise.resolve();
  #isReading = true;
  #isClosed = false;

  /** @param onUnreadable called once, when the input cannot be read any further */
  constructor(
    private readonly options: Pick<StdioOptions, 'narrow' | 'log'>,
    private readonly onUnreadable: () => void,
  ) {}

  async start(): Promise<void> {
    process.stdin.on('data', this.#onData);
    // The last line may have come without its end.
    process.stdin.on('end', this.#takeLine);
    process.stdin.on('error', (error) => this.onerror?.(error));
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'));
    if (isJSONRPCRequest(message)) this.#asked.add(message.id);
    const batch = isJSONRPCResponse(message) ? this.#settle(message.id) : undefined;
    if (batch === undefined) return this.#write(message);
    batch.answers.push(message as JSONRPCResponse);
    this.#count(batch);
    return this.#written;
  }

  setProtocolVersion = (version: string): void => this.#guard.agree(version);

  /** Resolves when every line that has been read is answered, apart from streams, and every answer has left. */
  async allAnswered(): Promise<void> {
    await this.#turns.run(async () => undefined);
    while ([...this.#open.values()].some(({ isStream }) => !isStream))
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
    await this.#written;
  }

  /** Resolves when all that was sent has left this process. */
  flushed(): Promise<void> {
    return this.#written;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopReading();
    this.onclose?.();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); this.#isReading && end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      this.#takeLine();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  };

  #keep(piece: Uint8Array): void {
    this.#line.push(piece);
    this.#lineBytes += piece.length;
    if (this.#isReading && this.#lineBytes > MAX_LINE_MIB * 1024 ** 2) this.#giveUp();
  }

  readonly #takeLine = (): void => {
    if (!this.#isReading) return;
    const line = Buffer.concat(this.#line);
    this.#line = [];
    this.#lineBytes = 0;
    this.#turns
      .run(() => this.#handleLine(line))
      .catch((error: unknown) => this.onerror?.(error instanceof Error ? error : new Error(String(error))));
  };

  #stopReading(): void {
    this.#isReading = false;
    process.stdin.off('data', this.#onData);
    process.stdin.off('end', this.#takeLine);
    process.stdin.pause();
  }

  #giveUp(): void {
    const words = `a line of input is longer than ${MAX_LINE_MIB} MiB`;
    this.options.log.error(`${words}; the server ends`);
    this.#stopReading();
    this.#answer(refusal(null, -32700, `Parse error: ${words}. The server ends.`));
    this.onUnreadable();
  }

  async #handleLine(line: Uint8Array): Promise<void> {
    const reading = readLine(line);
    if ('kind' in reading) return this.#handle(reading);
    if (this.#guard.agreedVersion !== BATCHES_IN) return this.#refuseBatch(reading);
    const batch: Batch = { answers: [], expected: 1 };
    for (const entry of reading) await this.#handle(entry, batch);
    this.#count(batch);
  }

  /** Each entry is refused by its id. An answer leaves nobody waiting. */
  async #refuseBatch(entries: readonly Reading[]): Promise<void> {
    const reason = `this connection has no batches (protocol version ${BATCHES_IN} alone has them)`;
    const answers = entries.filter(({ kind }) => kind === 'response');
    for (const answer of answers) await this.#handle(answer);
    const ids = entries.map(idOf).filter((id) => id !== null);
    for (const id of ids) this.#answer(invalid(id, reason));
    if (entries.length > 0 && ids.length + answers.length === 0) this.#answer(invalid(null, reason));
  }

  async #handle(reading: Reading, batch?: Batch): Promise<void> {
    switch (reading.kind) {
      case 'request':
        return this.#handleRequest(reading.message, batch);
      case 'notification':
        return this.#handleNotification(reading.message);
      case 'response':
        if (reading.message.id !== undefined) this.#asked.delete(reading.message.id);
        return this.onmessage?.(reading.message);
      case 'unclear':
        if (this.#asked.has(reading.id)) return this.#handle(unreadableAnswer(reading.id));
        return this.#refuse(invalid(reading.id, NO_METHOD), batch);
      case 'refused':
        return this.#refuse(reading.refusal, batch);
      case 'ignored':
        return this.options.log.warn('ignored input', { because: reading.reason });
      default:
        return reading satisfies never;
    }
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
    if (!this.#guard.isChosen) {
      this.options.log.debug('ignored input', { because: 'a notification came before the first request' });
      return;
    }
    this.onmessage?.(message);
    if (message.method !== 'notifications/cancelled') return;
    // A cancelled request gets no answer any more.
    const batch = this.#settle(message.params?.requestId as RequestId | undefined);
    if (batch !== undefined) this.#count(batch);
  }

  /** @returns the batch that the request came in */
  #settle(id: RequestId | undefined): Batch | undefined {
    if (id === undefined) return undefined;
    const open = this.#open.get(id);
    this.#open.delete(id);
    this.#onSettled?.();
    return open?.batch;
  }

  /** One of the expected answers has come, or never will; or all entries have been read. */
  #count(batch: Batch): void {
    batch.expected -= 1;
    if (batch.expected === 0 && batch.answers.length > 0) this.#answer(batch.answers);
  }

  #refuse(response: Refusal, batch: Batch | undefined): void {
    this.options.log.warn('refused input', { because: response.error.message });
    if (batch === undefined) this.#answer(response);
    else batch.answers.push(response);
  }

  #answer(answer: Answer | readonly Answer[]): void {
    this.#write(answer).catch((error: unknown) => this.options.log.debug('not sent', { error: String(error) }));
  }

  #write(message: JSONRPCMessage | Answer | readonly Answer[]): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      process.stdout.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
    });
    // Whoever waits for the end of all output has no use for the error of a reader that left.
    this.#written = written.catch(() => undefined);
    return written;
  }
}

/** The id of a request, as far as it has one. */
function idOf(reading: Reading): RequestId | null {
  if (reading.kind === 'request') return reading.message.id;
  if (reading.kind === 'refused') return reading.refusal.id;
  return reading.kind === 'unclear' ? reading.id : null;
}
