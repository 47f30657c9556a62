/**
 * The transport of the protocol over a pair of streams. The SDK's own drops what it cannot read and stops at the end
 * of input; this one answers every request that can be read, once, and can wait until all answers are written.
 */
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import type { Log } from '../core/log.ts';
import { Mutex } from '../core/mutex.ts';
import { EraGuard } from './era-guard.ts';
import { invalid, type Reading, type Refused, readLine, refused, unreadableAnswer } from './json-rpc.ts';
import { LineSplitter } from './line-splitter.ts';
import { type Answer, Batch, OpenRequests } from './open-requests.ts';

const MAX_LINE_BYTES = 10 * 1024 * 1024;
/** The one revision of the protocol that has batches. */
const BATCHES_IN = '2025-03-26';

export type StdioTransportOptions = {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  log: Log;
  /** What a subscription asks for, less what cannot be reported. */
  narrow: (request: JSONRPCRequest) => Promise<JSONRPCRequest>;
  /** Called once, when the input cannot be read any further. */
  onUnreadable: () => void;
};

export class StdioTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onerror?: (error: Error) => void;
  onclose?: () => void;
  readonly #options: StdioTransportOptions;
  readonly #lines = new LineSplitter(MAX_LINE_BYTES);
  readonly #guard = new EraGuard();
  readonly #requests = new OpenRequests();
  /** Requests of this server that the client has not answered. */
  readonly #asked = new Set<RequestId>();
  /** Messages are taken one after the other, in the order of their lines. */
  readonly #turns = new Mutex();
  #written: Promise<void> = Promise.resolve();
  #isReading = true;
  #isClosed = false;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { stdin } = this.#options;
    stdin.on('data', this.#onData);
    stdin.on('end', this.#onEnd);
    stdin.on('error', this.#onError);
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'));
    if (isJSONRPCRequest(message)) this.#asked.add(message.id);
    const batch = this.#requests.answered(message);
    if (batch === undefined) return this.#write(message);
    batch.add(message as Answer);
    batch.settle();
    return this.#written;
  }

  setProtocolVersion = (version: string): void => this.#guard.negotiated(version);

  /** Resolves when every line that has been read is answered, and every answer has left this process. */
  async allAnswered(): Promise<void> {
    await this.#turns.run(async () => undefined);
    await this.#requests.allAnswered();
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
    for (const line of this.#lines.push(chunk)) {
      if (line === 'too-long') this.#giveUp();
      else this.#take(line);
    }
  };

  /** The last line may have come without its end. */
  readonly #onEnd = (): void => {
    if (this.#isReading) this.#take(this.#lines.rest());
  };

  readonly #onError = (error: Error): void => this.onerror?.(error);

  #stopReading(): void {
    const { stdin } = this.#options;
    this.#isReading = false;
    stdin.off('data', this.#onData);
    stdin.off('end', this.#onEnd);
    stdin.pause();
  }

  #giveUp(): void {
    const { log, onUnreadable } = this.#options;
    const words = `a line of input is longer than ${MAX_LINE_BYTES / 1024 ** 2} MiB`;
    log.error(`${words}; the server ends`);
    this.#stopReading();
    void this.#write(refused(null, -32700, `Parse error: ${words}. The server ends.`).response).catch(() => undefined);
    onUnreadable();
  }

  #take(line: Uint8Array): void {
    this.#turns
      .run(() => this.#handleLine(line))
      .catch((error: unknown) => this.onerror?.(error instanceof Error ? error : new Error(String(error))));
  }

  async #handleLine(line: Uint8Array): Promise<void> {
    const reading = readLine(line);
    if (reading.kind === 'blank') return;
    if (reading.kind !== 'batch') return this.#handle(reading);
    if (this.#guard.legacyVersion === BATCHES_IN) {
      const batch = new Batch((answers) => this.#answer(answers));
      for (const entry of reading.entries) await this.#handle(entry, batch);
      return batch.settle();
    }
    await this.#refuseBatch(reading.entries);
  }

  /** What is answered, or is an answer itself, leaves nobody waiting. */
  async #refuseBatch(entries: readonly Reading[]): Promise<void> {
    const reason = `this connection has no batches (protocol version ${BATCHES_IN} alone has them)`;
    const ids = entries.flatMap((entry) => {
      if (entry.kind === 'request') return [entry.message.id];
      return entry.kind === 'refused' && entry.response.id !== null ? [entry.response.id] : [];
    });
    const answers = entries.filter(({ kind }) => kind === 'response');
    if (ids.length + answers.length === 0) this.#answer(invalid(null, reason).response);
    for (const id of ids) this.#answer(invalid(id, reason).response);
    for (const answer of answers) await this.#handle(answer);
  }

  async #handle(reading: Reading, batch?: Batch): Promise<void> {
    const { log } = this.#options;
    if ('note' in reading) log.debug('members of a message that JSON-RPC does not have', { members: reading.note });
    switch (reading.kind) {
      case 'request': {
        const refusal = this.#refusalOf(reading.message, batch !== undefined);
        if (refusal !== undefined) return this.#refuse(refusal, batch);
        this.#requests.add(reading.message, batch);
        const isListen = reading.message.method === 'subscriptions/listen';
        return this.onmessage?.(isListen ? await this.#options.narrow(reading.message) : reading.message);
      }
      case 'notification': {
        const reason = this.#guard.checkNotification(reading.message);
        if (reason !== undefined) return log.debug('ignored input', { because: reason });
        this.onmessage?.(reading.message);
        if (reading.message.method === 'notifications/cancelled')
          this.#requests.cancelled(reading.message.params?.requestId);
        return;
      }
      case 'response':
        if (reading.message.id !== undefined) this.#asked.delete(reading.message.id);
        return this.onmessage?.(reading.message);
      case 'refused': {
        const { id } = reading.response;
        // With neither a method nor a result it may be either; by its id it answers what was asked.
        if (reading.hasNoMethod && id !== null && this.#asked.has(id)) return this.#handle(unreadableAnswer(id));
        return this.#refuse(reading, batch);
      }
      case 'ignored':
        return log.warn('ignored input', { because: reading.reason });
      default:
        return reading satisfies never;
    }
  }

  #refusalOf(message: JSONRPCRequest, isBatched: boolean): Refused | undefined {
    if (this.#requests.has(message.id))
      return invalid(message.id, 'this id belongs to a request that is not answered yet');
    if (isBatched && message.method === 'initialize') return invalid(message.id, 'initialize is never part of a batch');
    return this.#guard.checkRequest(message);
  }

  #refuse({ response }: Refused, batch: Batch | undefined): void {
    this.#options.log.warn('refused input', { because: response.error.message });
    if (batch === undefined) this.#answer(response);
    else batch.add(response);
  }

  #answer(answer: Answer | readonly Answer[]): void {
    this.#write(answer).catch((error: unknown) => this.#options.log.debug('not sent', { error: String(error) }));
  }

  #write(message: JSONRPCMessage | Answer | readonly Answer[]): Promise<void> {
    const { stdout } = this.#options;
    const written = new Promise<void>((resolve, reject) => {
      stdout.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
    });
    // Whoever waits for the end of all output has no use for the error of a reader that left.
    this.#written = written.catch(() => undefined);
    return written;
  }
}
