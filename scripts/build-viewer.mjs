/** Builds the page that hosts show next to a result: one HTML file with its script and style inside. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Messages of zod in other languages: nobody is shown one. */
const LOCALES = /zod\/v4\/locales\/[\w-]+\.js$/;
const KEPT_LOCALES = /\/(?:en|index)\.js$/;
/** The SDK's validator of JSON Schemas: the page declares no tools of its own that it would check. */
const SHIMS = /^@modelcontextprotocol\/client\/_shims$/;
const NO_VALIDATOR = `
  export class DefaultJsonSchemaValidator {
    getValidator() { throw new Error('JSON Schema validation is not part of this page'); }
  }
  export const CORS_IS_POSSIBLE = true;
  export const process = {};`;

const lean = {
  name: 'lean-viewer',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: LOCALES }, ({ path }) =>
      KEPT_LOCALES.test(path) ? undefined : { contents: 'export default () => ({});' },
    );
    onResolve({ filter: SHIMS }, () => ({ path: 'no-validator', namespace: 'lean-viewer' }));
    onLoad({ filter: /.*/, namespace: 'lean-viewer' }, () => ({ contents: NO_VALIDATOR }));
  },
};

/** @returns the HTML, and esbuild's metafile */
export async function buildViewer(root) {
  const folder = join(root, 'src/viewer');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/viewer/viewer.ts', 'src/viewer/viewer.css'],
    outdir: 'viewer',
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    mainFields: ['module', 'main'],
    plugins: [lean],
  });
  const textOf = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text.trim();
  // An end tag inside the script would end it.
  const script = textOf('.js').replaceAll('</script', '<\\/script');
  const style = textOf('.css');
  const template = await readFile(join(folder, 'viewer.html'), 'utf8');
  const html = template
    .replace('%CSP%', () => policy(script, style))
    .replace('/* STYLE */', () => style)
    .replace('/* SCRIPT */', () => script);
  return { html, metafile };
}

/** The page runs what stands in it, shows the picture that it is handed, and asks the network for nothing. */
function policy(script, style) {
  const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
