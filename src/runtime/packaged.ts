/** What the build adds to the program: its version, and the page that hosts show next to a result. */
import { readFile } from 'node:fs/promises';

/** From package.json; absent when run from source. */
declare const __FLUX_PRO_MCP_VERSION__: string | undefined;

export const VERSION: string = typeof __FLUX_PRO_MCP_VERSION__ === 'string' ? __FLUX_PRO_MCP_VERSION__ : '0.0.0-dev';

/** Next to the bundle; when run from source, the page of the last build. */
export async function readViewerPage(): Promise<string | undefined> {
  const read = (page: string): Promise<string> => readFile(new URL(page, import.meta.url), 'utf8');
  return read('./viewer.html').catch(() => read('../../dist/viewer.html').catch(() => undefined));
}
