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
  #expected = 0;
  #isComplete = false;

  constructor(write: (answers: readonly Answer[]) => void) {
    this.#write = write;
  }

  expect(): void {
    this.#expected += 1;
  }

  add(answer: Answer): void {
    this.#answers.push(answer);
  }

  /** One of the expected answers has come, or never will. */
  settle(): void {
    this.#expected -= 1;
    this.#flush();
  }

  /** All entries of the batch have been read. */
  close(): void {
    this.#isComplete = true;
    this.#flush();
  }

  #flush(): void {
    if (this.#isComplete && this.#expected === 0 && this.#answers.length > 0) this.#write(this.#answers.splice(0));
  }
}

export class OpenRequests {
  readonly #open = new Map<RequestId, { batch: Batch | undefined; isStream: boolean }>();
  #wake: (() => void)[] = [];

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
      await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #settle(id: RequestId): Batch | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    for (const wake of this.#wake.splice(0)) wake();
    return open?.batch;
  }
}
