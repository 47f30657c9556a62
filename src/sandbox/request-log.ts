// Owns the record of what arrived at the sandbox and how it was answered.

export type SandboxOperation = 'generate' | 'generateImage' | 'status' | 'introspection' | 'picture' | 'rest' | 'other';

export type LoggedRequest = {
  /** Epoch milliseconds of its arrival. */
  at: number;
  method: string;
  path: string;
  operation: SandboxOperation;
  idempotencyKey?: string;
  /** 0 while there is no answer yet. */
  httpStatus: number;
};

const KEPT_REQUESTS = 10_000;

export class RequestLog {
  private readonly entries: LoggedRequest[] = [];

  /** The entry may be completed later, when more is known. */
  add(entry: LoggedRequest): LoggedRequest {
    this.entries.push(entry);
    if (this.entries.length > KEPT_REQUESTS) this.entries.shift();
    return entry;
  }

  list(): LoggedRequest[] {
    return this.entries.map((entry) => ({ ...entry }));
  }
}
