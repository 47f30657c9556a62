/** What the build adds to the program: its version, and the page that hosts show next to a result. */
import { readFile } from 'node:fs/promises';

/** From package.json; absent when run from source. */
declare const __FLUX_PRO_MCP_VERSION__: string | undefined;

export const VERSION: string = typeof __FLUX_PRO_MCP_VERSION__ === 'string' ? __FLUX_PRO_MCP_VERSION__ : '0.0.0-dev';

/** Next to the bundle; when run from source, the page of the last build. */
const PAGES = ['./viewer.html', '../../dist/viewer.html'];

export async function readViewerPage(): Promise<string | undefined> {
  for (const page of PAGES) {
    const text = await readFile(new URL(page, import.meta.url), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}
