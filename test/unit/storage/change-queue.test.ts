/** Who waits for writers that have lost to others, when the folder of the queue cannot be read. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/runtime/system.ts';
import { FileChangeQueue } from '../../../src/storage/presence.ts';
import { systemError } from '../../prove/disk-tree.ts';
import { MemoryDisk } from '../../prove/memory-disk.ts';

describe('the queue of those who change a value', () => {
  it('keeps nobody from a change because the folder cannot be listed', async () => {
    const disk = new MemoryDisk({ holds: { '/user/count.someone.turn': '' } });
    const files = disk.processView({
      before: async ({ call, path }) => {
        if (call === 'list') throw systemError('EIO', path);
      },
    });
    const queue = new FileChangeQueue('/user', 'count', { files, clock: systemClock });
    await expect(queue.wait(0)).resolves.toBeUndefined();
    await queue.leave();
  });
});
