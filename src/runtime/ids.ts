/** Unique names (`Ids`, `SELF`) and keys, apart from the clock: loading `node:crypto` takes a twentieth of the start. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { idAt } from '../core/job.ts';
import type { Ids, Owner } from '../core/ports.ts';

export const randomIds: Ids = {
  // 55 random bits and the time: readable in a file name, and never met twice.
  jobId: (at) => idAt(at, Array.from({ length: 11 }, () => randomInt(36).toString(36)).join('')),
  idempotencyKey: () => randomUUID(),
};

export const SELF: Owner = { pid: process.pid, host: hostname(), session: randomBytes(8).toString('hex') };

export const randomKey = (): Uint8Array => randomBytes(32);
