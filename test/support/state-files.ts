/** Where the newest version of a record or a shared value lies, for tests that read, cut or forge it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFolder } from '../../src/storage/paths.ts';
import { timeOfId } from '../../src/core/job.ts';

const VERSION = /^(.+)\.(\d{1,15})\.json$/u;

/** The newest version of each, by name without number. */
export function newestFiles(folder: string): Map<string, string> {
  const versions = readdirSync(folder).flatMap((file) => {
    const [, name = '', number] = VERSION.exec(file) ?? [];
    return number === undefined ? [] : [{ name, number: Number(number), file: join(folder, file) }];
  });
  return new Map(versions.sort((one, other) => one.number - other.number).map(({ name, file }) => [name, file]));
}

/** @param name as a whole, or up to its first dot @throws when there is none */
export function newestFile(folder: string, name: string): string {
  const [, file] = [...newestFiles(folder)].find(([found]) => found === name || found.split('.', 1)[0] === name) ?? [];
  if (file === undefined) throw new Error(`there is no ${name} in ${folder}`);
  return file;
}

/** The folder of the day on which a job was ordered. @param partition the folder of one service and key */
export function recordsFolder(partition: string, id: string): string {
  const at = timeOfId(id);
  return join(partition, 'jobs', at === undefined ? 'undated' : new Date(at).toISOString().slice(0, 10));
}

/** @param partition the folder of one service and key */
export const recordFile = (partition: string, id: string): string => newestFile(recordsFolder(partition, id), id);

/** @param partition the folder of one service and key */
export const valueFile = (partition: string, name: 'reservations' | 'rate-state' | 'durations'): string =>
  newestFile(sharedFolder(partition), name);
