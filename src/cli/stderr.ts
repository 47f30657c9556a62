/** Lines on stderr, whose reader may have left. */

let opened = false;

/** Opening stderr costs Node some milliseconds of the start, so it waits for the first line. */
export function writeStderr(line: string): void {
  if (!opened) process.stderr.on('error', () => undefined);
  opened = true;
  process.stderr.write(line);
}
