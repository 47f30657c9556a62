/** Reads the page that hosts show beside a result: one HTML file that the build puts beside the program. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Beside the bundle; run from its sources, the program takes the one that was built last. */
const CANDIDATES = ['./viewer.html', '../../dist/viewer.html'];

/** @returns `undefined` where there is none */
export async function readViewerPage(): Promise<string | undefined> {
  for (const candidate of CANDIDATES) {
    const text = await readFile(fileURLToPath(new URL(candidate, import.meta.url)), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}
