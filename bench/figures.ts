/** What all measurements share: quantiles, the machine they were made on, and their place in RESULTS.md. */
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { recordSection } from './record-section.ts';

/** The smallest value that at least this share of all values does not exceed. @throws when there are none */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

export function machine(): string {
  const kind = isVirtual() ? 'virtual machine, ' : '';
  return [
    `${kind}${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `${type()} ${release()}, Node ${process.version}`,
    new Date().toISOString().slice(0, 10),
  ].join('; ');
}

/** How busy the machine was with other things in the minute before; asked before anything is measured. */
export const loadBefore = (): string => `load ${(loadavg()[0] ?? 0).toFixed(1)} in the minute before`;

/** Told by Linux alone. */
function isVirtual(): boolean {
  try {
    return /^flags\s*:.*\bhypervisor\b/mu.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

/** From Linux' list of magic numbers (statfs(2)); elsewhere the number means something else. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs (memory, not a disk)',
  2035054128: 'overlayfs',
  26985: 'nfs',
  801189825: 'zfs',
};

export function fileSystemOf(folder: string): string {
  if (process.platform !== 'linux') return `the disk of the temporary folder (${process.platform})`;
  return FILE_SYSTEMS[statfsSync(folder).type] ?? 'an unknown file system';
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (sharedValues: readonly string[]): string => `| ${sharedValues.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Writes the section of that name if the caller asked for it by `--record`. */
export function recordIfAsked(name: string, content: string): void {
  if (!process.argv.includes('--record')) return;
  const file = join(import.meta.dirname, 'RESULTS.md');
  writeFileSync(file, recordSection(readFileSync(file, 'utf8'), name, content));
}
