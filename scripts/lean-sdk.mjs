/** esbuild plugins that let unused parts of the MCP SDK drop out of the bundle without changing what the rest does. */
import { readFile } from 'node:fs/promises';

/**
 * Both SDK lines construct an Ajv validator for every server and client, which costs a tenth of the start. A server uses
 * it only for `elicitInput`, the request of the old protocol eras that the SDK itself advises against and that nothing
 * here calls: here it refuses. The demo's v1 client checks results by it and gets the v2 SDK's small validator.
 * `process` is the global one: importing `node:process` opens stderr and a dozen other getters for nothing.
 */
const VALIDATORS = {
  '@modelcontextprotocol/server/_shims': `
    const { process } = globalThis;
    class DefaultJsonSchemaValidator {
      getValidator() { throw new Error('JSON Schema validation is not part of this build: use inputRequired'); }
    }
    export { DefaultJsonSchemaValidator, process };`,
  '../validation/ajv-provider.js': `
    import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker';
    export { CfWorkerJsonSchemaValidator as AjvJsonSchemaValidator };`,
};

export const smallValidator = (root) => ({
  name: 'small-validator',
  setup({ onLoad, onResolve }) {
    const names = Object.keys(VALIDATORS).map((name) => name.replaceAll(/[/.]/g, '\\$&'));
    onResolve({ filter: new RegExp(`^(?:${names.join('|')})$`) }, ({ path, importer }) =>
      importer.includes('@modelcontextprotocol') ? { path, namespace: 'small-validator' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'small-validator' }, ({ path }) => ({
      contents: VALIDATORS[path],
      resolveDir: root,
    }));
  },
});

/** The v1 client imports it for the server half of its package and never calls it. */
export const unusedImport = {
  name: 'unused-import',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^zod-to-json-schema$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'resolving') return undefined;
      return { ...(await resolve(path, { ...from, pluginData: 'resolving' })), sideEffects: false };
    });
  },
};

/**
 * Two thirds of the SDK's zod schemas serve one optional registry, `specTypeSchemas` and `isSpecType`, which is filled
 * on import whether or not anybody asks for it. Here the registry becomes what it is, declarations without side effects
 * that leave the bundle when nothing uses them. What each schema is, and what is exported, stays the same.
 *
 * This rewrites the text of one version of the SDK, so package.json names that version exactly (its core comes along).
 */
export const lazySchemas = {
  name: 'lazy-schemas',
  setup({ onLoad, onEnd }) {
    const seen = { declarations: 0, registries: 0 };
    onLoad({ filter: /@modelcontextprotocol\/core\/dist\/.*\.mjs$/ }, async ({ path }) => {
      const { text, count } = markDeclarations(await readFile(path, 'utf8'));
      seen.declarations += count;
      return { contents: text };
    });
    onLoad({ filter: /@modelcontextprotocol\/server\/dist\/src-.*\.mjs$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = fillRegistryWhenUsed(source);
      if (contents !== source) seen.registries += 1;
      return { contents };
    });
    onEnd(() => {
      if (seen.declarations >= 100 && seen.registries === 1) return undefined;
      return { errors: [{ text: `scripts/lean-sdk.mjs no longer fits the MCP SDK: ${JSON.stringify(seen)}` }] };
    });
  },
};

/** `const A = <expression>;` at the top level becomes a call that a bundler may drop when A is not used. */
export function markDeclarations(source) {
  let count = 0;
  const declaration = /^const (\w+) = ((?:z\.|\w+Schema\.)[\s\S]*?);\n(?=const |\/[*/]|export |function |\n)/gm;
  const text = source.replaceAll(declaration, (_all, name, value) => {
    count += 1;
    return `const ${name} = /* @__PURE__ */ (() => ${value})();\n`;
  });
  return { text, count };
}

/** The loops that fill the registry move into a function which its two exports call. */
export function fillRegistryWhenUsed(source) {
  const loops =
    /^for \(const key of SPEC_SCHEMA_KEYS\) register\(.*\);\nfor \(.* of Object\.entries\(authSchemas\)\) register\(.*\);\n/m;
  const registries = /^const (specTypeSchemas|isSpecType) = Object\.freeze\((\w+)\);$/gm;
  if (!loops.test(source) || source.match(registries)?.length !== 2) return source;
  const once = (both) => `let filled = false;
function fill(registry) {
	if (filled) return registry;
	filled = true;
	${both}	return registry;
}
`;
  return source
    .replace(loops, once)
    .replaceAll(registries, 'const $1 = /* @__PURE__ */ (() => Object.freeze(fill($2)))();');
}
