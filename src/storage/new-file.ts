/** New files under names that nobody else uses, written whole. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import { isBusy } from './error-code.ts';
import { retryBusy } from './retry-busy.ts';
import { syncData } from './sync-to-disk.ts';

/** Readable by the user alone: records hold prompts. */
const MODE = 0o600;

/** The beginning is this process's own, and the number goes up. */
const OWN = randomBytes(5).toString('hex');
let count = 0;

/** A name that no other writer of any process uses. */
export function ownName(): string {
  count += 1;
  return `${OWN}${count.toString(36)}`;
}

/** @param durable forces the bytes to the disk; the name in its folder is another matter */
export async function writeWhole(path: string, text: string, durable: boolean, clock: Clock): Promise<void> {
  const bytes = Buffer.from(text);
  const file = await retryBusy(() => openSync(path, 'wx', MODE), isBusy, clock);
  try {
    let written = 0;
    // A full disk can take a part and say nothing.
    while (written < bytes.length) {
      const taken = writeSync(file, bytes, written);
      if (taken === 0) throw Object.assign(new Error('the disk took no more'), { code: 'ENOSPC' });
      written += taken;
    }
    if (durable) await syncData(file, path);
  } finally {
    closeSync(file);
  }
}
