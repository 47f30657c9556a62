/** The port to the processes of this machine: which one this is, and which others live. */
import * as z from 'zod';

export const ownerSchema = z.object({ pid: z.number(), host: z.string(), session: z.string() });

/** The process that advances a job. `session` tells it from an earlier process that had the same number. */
export type Owner = z.infer<typeof ownerSchema>;

export interface Processes {
  self(): Owner;
  /**
   * Whether that process lives. One on another machine, and a number that was given to another process since then,
   * count as living: where that matters, age decides.
   */
  isAlive(owner: Owner): boolean;
}

export function isSameOwner(one: Owner, other: Owner): boolean {
  return one.pid === other.pid && one.host === other.host && one.session === other.session;
}
