/** Reads the small files of the state folder: regular ones of a bounded size, so that nothing in their place blocks. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errorCode } from './error-code.ts';

/** Far more than any file here has. */
const BYTES_MAX = 64_000_000;
/** A FIFO in the place of a file would keep the whole process waiting for somebody who writes into it. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The code of a folder, a FIFO, a socket or a device in the place of a file. */
export const NOT_REGULAR = 'ENOTREG';

/**
 * `undefined` when there is no such file. Without promises: a few kilobytes are read sooner than handed to a thread.
 * @param buffer used where the text fits
 */
export function readText(path: string, buffer?: Buffer): string | undefined {
  let file: number;
  try {
    file = openSync(path, READ);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    // A socket.
    throw errorCode(error) === 'ENXIO' ? refused(path, NOT_REGULAR) : error;
  }
  try {
    const seen = fstatSync(file);
    if (!seen.isFile()) throw refused(path, NOT_REGULAR);
    if (seen.size > BYTES_MAX) throw refused(path, 'EFBIG');
    const into = buffer !== undefined && buffer.length > seen.size ? buffer : Buffer.allocUnsafe(seen.size + 1);
    let length = 0;
    // Some file systems give less at once than there is.
    while (length < into.length) {
      const count = readSync(file, into, length, into.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return into.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

function refused(path: string, code: string): Error {
  return Object.assign(new Error(`${path} cannot be read`), { code });
}
