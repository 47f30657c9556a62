/** Whether processes of this machine are alive, by the operating system. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isSameOwner, type Owner, type Processes } from '../core/processes.ts';

const SELF: Owner = { pid: process.pid, host: hostname(), session: randomBytes(4).toString('hex') };

export const systemProcesses: Processes = {
  self: () => SELF,
  isAlive(owner) {
    // In a container every run of the program can have the same number.
    if (owner.host === SELF.host && owner.pid === SELF.pid) return isSameOwner(owner, SELF);
    if (owner.host !== SELF.host) return true;
    try {
      process.kill(owner.pid, 0);
      return true;
    } catch (error) {
      // It lives, but belongs to another user.
      return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
  },
};
