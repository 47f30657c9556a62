// Owns the record of what arrived at the sandbox, how it was answered, and which fault it met.

import type { ScenarioName } from './scenarios/sentences.ts';

export type SandboxOperation = 'generate' | 'generateImage' | 'status' | 'introspection' | 'picture' | 'rest' | 'other';

export type LoggedRequest = {
  /** Epoch milliseconds of its arrival. */
  at: number;
  method: string;
  path: string;
  operation: SandboxOperation;
  idempotencyKey?: string;
  /** 0 while there is no answer yet, and for good where a scenario destroys the connection instead. */
  httpStatus: number;
  /** The scenario that spoilt this request or its answer. */
  fault?: ScenarioName;
};

/** A fault that was injected, and into what. */
export type InjectedFault = Omit<LoggedRequest, 'fault' | 'method' | 'httpStatus'> & { scenario: ScenarioName };

const KEPT_REQUESTS = 10_000;

export class RequestLog {
  private readonly entries: LoggedRequest[] = [];

  /** The entry may be completed later, when more is known. */
  add(entry: LoggedRequest): void {
    this.entries.push(entry);
    if (this.entries.length > KEPT_REQUESTS) this.entries.shift();
  }

  list(): LoggedRequest[] {
    return this.entries.map((entry) => ({ ...entry }));
  }

  faults(): InjectedFault[] {
    return this.entries.flatMap(({ fault, method: _method, httpStatus: _httpStatus, ...request }) =>
      fault === undefined ? [] : { scenario: fault, ...request },
    );
  }
}
