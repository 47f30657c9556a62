/** The processes of this machine, as the system tells them. */
import type { Processes } from '../core/processes.ts';

export const systemProcesses: Processes = {
  self: () => ({ pid: process.pid }),
  isAlive(owner) {
    try {
      process.kill(owner.pid, 0);
      return true;
    } catch (error) {
      // It lives, but belongs to another user.
      return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
  },
};
