/** Errors of the system at chosen operations of a process, for its view of the disk in memory. */
import { systemError } from './disk-tree.ts';
import type { Call, Hooks, Operation } from './memory-disk.ts';

export const FAULT_CODES = ['EIO', 'EMFILE', 'ENOSPC', 'EBUSY', 'EACCES'] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

export type Fault = {
  code: FaultCode;
  /** The number of the operation that fails first, from 1. */
  at: number;
  /** So often: this one, and then the next ones of the same call. `Infinity` lasts until the disk is repaired. */
  times: number;
  /** `after`: it has taken effect all the same, as when fsync or close report what went wrong earlier. */
  moment: 'before' | 'after';
};

export type FaultyHooks = Required<Hooks> & {
  /** All operations so far: an undisturbed run says how many places for a fault there are. */
  operations: readonly Operation[];
  /** How many of them failed. */
  failed(): number;
  /** Nothing fails any more. */
  repair(): void;
};

/** @param fault absent: operations are counted only */
export function faultyHooks(fault?: Fault): FaultyHooks {
  const operations: Operation[] = [];
  const failing = new Set<Operation>();
  let faultyCall: Call | undefined;
  let isRepaired = false;

  function failIf(moment: Fault['moment'], operation: Operation): void {
    if (fault?.moment === moment && failing.has(operation)) throw systemError(fault.code, operation.path);
  }

  return {
    operations,
    failed: () => failing.size,
    repair() {
      isRepaired = true;
    },
    async before(operation) {
      operations.push(operation);
      if (fault !== undefined && operations.length === fault.at) faultyCall = operation.call;
      const isFaulty = operation.call === faultyCall && !isRepaired;
      if (isFaulty && failing.size < (fault?.times ?? 0)) failing.add(operation);
      failIf('before', operation);
    },
    async after(operation) {
      failIf('after', operation);
    },
  };
}
