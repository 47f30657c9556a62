/** Reads the page that hosts show next to a result: an HTML file that the build puts next to the program. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Next to the bundle; when run from source, the page of the last build. */
const CANDIDATES = ['./viewer.html', '../../dist/viewer.html'];

/** @returns `undefined` where there is none */
export async function readViewerPage(): Promise<string | undefined> {
  for (const candidate of CANDIDATES) {
    const text = await readFile(fileURLToPath(new URL(candidate, import.meta.url)), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}
