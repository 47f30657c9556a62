/** The port to the processes of this machine: which one this is, and which others live. */

/** The process that carries a job on. */
export type Owner = { pid: number };

export interface Processes {
  self(): Owner;
  /** Whether that process lives. A number that was given to another process since then counts as living. */
  isAlive(owner: Owner): boolean;
}
