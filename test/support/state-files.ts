/** Where the newest version of a record or a shared value lies, for tests that read, cut or forge it. */
import { join } from 'node:path';
import { sharedFolder } from '../../src/storage/paths.ts';
import { newestIn, versionFile } from '../../src/storage/versioned-file.ts';

/** @throws when there is none */
export function newestFile(folder: string, name: string): string {
  const number = newestIn(folder).get(name);
  if (number === undefined) throw new Error(`there is no ${name} in ${folder}`);
  return versionFile(folder, name, number);
}

/** @param partition the folder of one service and key */
export const recordFile = (partition: string, id: string): string =>
  newestFile(join(partition, 'jobs', id.slice(-1)), id);

/** @param partition the folder of one service and key */
export const valueFile = (partition: string, name: 'reservations' | 'rate-state' | 'durations'): string =>
  newestFile(sharedFolder(partition), name);
