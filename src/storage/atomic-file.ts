/** Files that are whole or not there: written beside their place, forced to the disk, then put in their place. */
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasync, fsync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { errorCode } from './error-code.ts';

// Only what waits for the disk is handed to another thread: a few bytes are written sooner than handed over and back.
const dataToDisk = promisify(fdatasync);
const toDisk = promisify(fsync);

/** Readable by the user alone: records hold prompts. */
const MODE = 0o600;
/** On Windows a virus scanner or indexer holds a file for a moment. */
const RENAME_TRIES = 8;
const RENAME_PAUSE_MS = 15;

/** No two writers share a name: the beginning is this process's own, and the number goes up. */
const OWN = randomBytes(5).toString('hex');
let count = 0;

/** A name that no other writer of any process uses. */
export function ownName(): string {
  count += 1;
  return `${OWN}${count.toString(36)}`;
}

/** What is asked right before the new text takes its place; an error leaves the old one there. */
type BeforeReplacing = () => void;

/** What a replacement survives: the end of the process, or a crash of the machine as well. */
export type Durability = 'process' | 'machine';

/** Replaces the file at `path`: whole or not at all for every reader. */
export async function writeAtomic(
  path: string,
  text: string,
  clock: Clock,
  options: { durability: Durability; before?: BeforeReplacing | undefined },
): Promise<void> {
  await replace(path, text, clock, { durable: options.durability === 'machine', before: options.before });
  if (options.durability === 'machine') await syncFolder(dirname(path));
}

async function replace(
  path: string,
  text: string,
  clock: Clock,
  options: { durable: boolean; before: BeforeReplacing | undefined },
): Promise<void> {
  const part = `${path}.${ownName()}.part`;
  try {
    await writeWhole(part, Buffer.from(text), options.durable);
    options.before?.();
    await renameHeld(part, path, clock);
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch {
      // What went wrong first is what counts.
    }
    throw error;
  }
}

async function writeWhole(path: string, bytes: Buffer, durable: boolean): Promise<void> {
  const file = openSync(path, 'wx', MODE);
  try {
    let written = 0;
    // A full disk can take a part and say nothing.
    while (written < bytes.length) {
      const count = writeSync(file, bytes, written);
      if (count === 0) throw Object.assign(new Error('the disk took no more'), { code: 'ENOSPC' });
      written += count;
    }
    if (durable) await dataToDisk(file);
  } finally {
    closeSync(file);
  }
}

async function renameHeld(from: string, to: string, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      const held = ['EPERM', 'EACCES', 'EBUSY'].includes(errorCode(error));
      if (!held || process.platform !== 'win32' || attempt === RENAME_TRIES) throw error;
      await clock.sleep(RENAME_PAUSE_MS * attempt);
    }
  }
}

/** Makes the new name itself survive; Windows has no such call and does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    await toDisk(folder);
  } finally {
    closeSync(folder);
  }
}
