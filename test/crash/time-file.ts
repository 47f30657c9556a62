/** The time of day in a file: what a process that was stopped reads when it comes to itself. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const BYTES = 8;

export type TimeWriter = { write(timeMs: number): void; close(): void };

export function openTimeWriter(path: string): TimeWriter {
  const file = openSync(path, 'w');
  const bytes = Buffer.alloc(BYTES);
  return {
    write(timeMs) {
      bytes.writeDoubleLE(timeMs);
      writeSync(file, bytes, 0, BYTES, 0);
    },
    close: () => closeSync(file),
  };
}

/** Never closed: its reader is killed. */
export function openTimeReader(path: string): () => number {
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(BYTES);
  return () => {
    readSync(file, bytes, 0, BYTES, 0);
    return bytes.readDoubleLE();
  };
}
