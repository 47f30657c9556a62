/** Renders the tool list once, at build time, so that no host waits for JSON Schemas that are the same at every start. */
import { join } from 'node:path';
import { build } from 'esbuild';

const LISTING = /[/\\]src[/\\]mcp[/\\]tool-listing\.ts$/;

/** Replaces what tool-listing.ts computes by what it answers. */
export async function listedTools(root) {
  const listed = await render(root);
  return {
    name: 'listed-tools',
    setup({ onLoad }) {
      onLoad({ filter: LISTING }, () => ({
        contents: `const LISTED = ${JSON.stringify(listed)}; export const listTools = () => LISTED;`,
      }));
    },
  };
}

async function render(root) {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { listTools } from './tool-listing.ts';`,
      resolveDir: join(root, 'src/mcp'),
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const { listTools } = await import(`data:text/javascript;base64,${code}`);
  const listed = listTools();
  if (listed.length === 0) throw new Error('The catalogue of tools is empty.');
  return listed;
}
