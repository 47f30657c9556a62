/** The requests that were taken and are not answered yet, and the batches whose answers go out together. */
import {
  isJSONRPCErrorResponse,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type RequestId,
} from '@modelcontextprotocol/server';
import type { Refusal } from './json-rpc.ts';

export type Answer = JSONRPCResponse | Refusal;

/** Collects the answers to one batch, and writes them as one array when there are no more to come. */
export class Batch {
  readonly #write: (answers: readonly Answer[]) => void;
  readonly #answers: Answer[] = [];
  /** The reading of the batch itself counts as one. */
  #expected = 1;

  constructor(write: (answers: readonly Answer[]) => void) {
    this.#write = write;
  }

  expect(): void {
    this.#expected += 1;
  }

  add(answer: Answer): void {
    this.#answers.push(answer);
  }

  /** One of the expected answers has come, or never will; or all entries have been read. */
  settle(): void {
    this.#expected -= 1;
    if (this.#expected === 0 && this.#answers.length > 0) this.#write(this.#answers);
  }
}

export class OpenRequests {
  readonly #open = new Map<RequestId, { batch: Batch | undefined; isStream: boolean }>();
  #wake: (() => void) | undefined;

  has(id: RequestId): boolean {
    return this.#open.has(id);
  }

  add({ id, method }: JSONRPCRequest, batch: Batch | undefined): void {
    batch?.expect();
    this.#open.set(id, { batch, isStream: method === 'subscriptions/listen' });
  }

  /** @returns the batch that the answer belongs to */
  answered(message: JSONRPCMessage): Batch | undefined {
    if (!isJSONRPCResultResponse(message) && !isJSONRPCErrorResponse(message)) return undefined;
    return message.id === undefined ? undefined : this.#settle(message.id);
  }

  /** A cancelled request gets no answer any more. */
  cancelled(id: unknown): void {
    if (typeof id === 'string' || typeof id === 'number') this.#settle(id)?.settle();
  }

  /** Resolves when every request is answered, apart from streams, which end with the connection. */
  async allAnswered(): Promise<void> {
    while ([...this.#open.values()].some(({ isStream }) => !isStream))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  #settle(id: RequestId): Batch | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    this.#wake?.();
    return open?.batch;
  }
}
