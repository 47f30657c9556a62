/** Proves which processes count as living: where that cannot be known, they do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isSameOwner } from '../../../src/core/processes.ts';
import { systemProcesses } from '../../../src/runtime/system-processes.ts';

const self = systemProcesses.self();

describe('a process', () => {
  it('is this one, which lives', () => {
    expect(self.pid).toBe(process.pid);
    expect(systemProcesses.self()).toBe(self);
    expect(systemProcesses.isAlive({ ...self })).toBe(true);
  });

  it('of the same number and another session is gone: in a container every run has the same number', () => {
    const earlier = { ...self, session: 'of an earlier run' };
    expect(systemProcesses.isAlive(earlier)).toBe(false);
    expect(isSameOwner(earlier, self)).toBe(false);
  });

  it('that has ended is gone, and one that runs lives', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const other = { pid: child.pid ?? 0, host: self.host, session: 'its own' };
    expect(systemProcesses.isAlive(other)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(systemProcesses.isAlive(other)).toBe(false);
  });

  it('of another machine counts as living: nobody here can know', () => {
    expect(systemProcesses.isAlive({ pid: 1, host: `not ${self.host}`, session: 'x' })).toBe(true);
  });
});
