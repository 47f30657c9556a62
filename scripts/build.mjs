#!/usr/bin/env node
/** Builds the whole program into dist/: a start file that old Nodes can read, one ESM program file, lazily loaded chunks, codec files, licences, SBOM. */
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildViewer } from './build-viewer.mjs';
import { lazySchemas, smallValidator, unusedImport } from './lean-sdk.mjs';
import { listedTools } from './listed-tools.mjs';
import { sbom } from './sbom.mjs';
import { bundledPackages, licenseTexts } from './third-party-licenses.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(ROOT, 'dist');
const require = createRequire(import.meta.url);

/** WebAssembly files that lazy chunks expect next to themselves (`new URL('./x.wasm', import.meta.url)`). */
const CODECS = [
  '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm',
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
  '@jsquash/webp/codec/dec/webp_dec.wasm',
  '@jsquash/resize/lib/resize/pkg/squoosh_resize_bg.wasm',
];

/** What must never come back into the bundle unnoticed, with the reason. */
const UNWANTED = [
  [/node_modules\/ajv/, 'Ajv costs a tenth of the start; lean-sdk.mjs should have replaced it'],
  [/ajvProvider/, 'Ajv costs a tenth of the start; lean-sdk.mjs should have replaced it'],
  [/node_modules\/zod\/.*\/locales\/(?!en\.)/, "zod's locales cost start-up time; nothing here speaks them"],
  [/node_modules\/zod-to-json-schema/, 'it returns an empty schema for zod 4; use z.toJSONSchema'],
];

/** Bundled CommonJS code calls `require`, which ESM lacks; only a file with such code gets one. */
const CALLS_REQUIRE = /typeof require\s*[<!=]/;
const REQUIRE = 'const require=name=>process.getBuiltinModule("node:module").createRequire(import.meta.url)(name);\n';
/** Checks the version of Node, and loads the program. */
const BIN = 'dist/main.js';
const START = 'dist/program.js';
/** Everything that runs at each start; main.ts loads it. */
const PROGRAM = 'src/cli/run.ts';
const SHEBANG = '#!/usr/bin/env node\n';

/**
 * A module that the program and a lazy part of it share would become a file of its own, and each file costs a third of
 * a millisecond at every start. Lazy parts that import the program leave all that it holds in one file.
 */
const oneProgramFile = {
  name: 'one-program-file',
  setup({ onLoad, onResolve }) {
    const lazy = new Set();
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, kind, resolveDir }) => {
      if (kind === 'dynamic-import') lazy.add(join(resolveDir, path));
      return undefined;
    });
    onLoad({ filter: /[/\\](?:src|sandbox)[/\\].*\.ts$/ }, async ({ path }) => {
      if (!lazy.has(path) || path === join(ROOT, PROGRAM)) return undefined;
      return {
        contents: `${await readFile(path, 'utf8')}\nimport ${JSON.stringify(join(ROOT, PROGRAM))};\n`,
        loader: 'ts',
      };
    });
  },
};

async function main() {
  const readJson = async (file) => JSON.parse(await readFile(join(ROOT, file), 'utf8'));
  const manifest = await readJson('package.json');
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: { program: PROGRAM, 'preview-worker': 'src/images/preview-worker.ts' },
    outdir: OUT,
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.18',
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    // The ESM builds of packages that have one can drop what is not used.
    mainFields: ['module', 'main'],
    plugins: [await listedTools(ROOT), oneProgramFile, smallValidator(ROOT), unusedImport, lazySchemas],
    alias: { 'node:assert': './scripts/plain-assert.cjs' },
    define: { __FLUX_PRO_MCP_VERSION__: JSON.stringify(manifest.version) },
  });

  const bin = await buildBin();

  for (const [input, outputs] of bundledInputs(metafile)) {
    const unwanted = UNWANTED.find(([pattern]) => pattern.test(input));
    if (unwanted) throw new Error(`${input} is in ${outputs.join(', ')}: ${unwanted[1]}`);
  }

  const files = new Map(outputFiles.map(({ path, text }) => [relative(ROOT, path).split(sep).join('/'), text]));
  const viewer = await buildViewer(ROOT);
  const metafiles = [metafile, viewer.metafile];
  const inputs = metafiles.flatMap((one) => [...bundledInputs(one).keys()]);
  const packages = await bundledPackages(ROOT, inputs, CODECS);
  const lock = await readJson('package-lock.json');
  const bom = sbom({ manifest, packages, metafiles, lock, epoch: process.env.SOURCE_DATE_EPOCH });

  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  for (const [file, code] of files) await writeFile(join(ROOT, file), finished(code));
  await writeFile(join(ROOT, BIN), `${SHEBANG}${bin}`);
  await chmod(join(ROOT, BIN), 0o755);
  for (const codec of CODECS) {
    const copy = join(OUT, basename(codec));
    await copyFile(require.resolve(codec), copy);
    await chmod(copy, 0o644);
  }
  await writeFile(join(OUT, 'viewer.html'), viewer.html);
  await writeFile(join(OUT, 'THIRD_PARTY_LICENSES.txt'), licenseTexts(packages));
  await writeFile(join(OUT, 'sbom.json'), `${JSON.stringify(bom, null, 2)}\n`);
}

/** Every source file that left at least a byte in an output, with those outputs. */
function bundledInputs(metafile) {
  const found = new Map();
  for (const [output, { inputs }] of Object.entries(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      if (bytesInOutput > 0) found.set(input, [...(found.get(input) ?? []), output]);
    }
  }
  return found;
}

/** In the syntax of old Nodes, and without a static import: each of them would be read before the check. */
async function buildBin() {
  const program = {
    name: 'program',
    setup(plugin) {
      plugin.onResolve({ filter: /^\.\/cli\/run\.ts$/ }, () => ({ path: `./${basename(START)}`, external: true }));
    },
  };
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node12.20',
    minify: true,
    plugins: [program],
  });
  return outputFiles[0].text;
}

function finished(code) {
  return `${CALLS_REQUIRE.test(code) ? REQUIRE : ''}${code}`;
}

await main();
