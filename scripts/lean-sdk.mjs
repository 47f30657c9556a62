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
 * on import whether or not anybody asks for it; and the first message of a legacy host builds every schema of its
 * protocol era at once. Together that is a quarter of the start. Here the registry becomes what it is, declarations
 * without side effects that leave the bundle when nothing uses them, and an era's schemas are built one by one when
 * they are asked for. What each schema is, and what is exported, stays the same.
 *
 * This rewrites the text of one version of the SDK, so package.json names that version exactly (its core comes along).
 * Without the rewriting of an era's builder the start took 2.9 times a bare Node process instead of 2.7.
 */
export const lazySchemas = {
  name: 'lazy-schemas',
  setup({ onLoad, onEnd }) {
    const seen = { declarations: 0, registries: 0, eras: 0 };
    onLoad({ filter: /@modelcontextprotocol\/core\/dist\/.*\.mjs$/ }, async ({ path }) => {
      const { text, count } = markDeclarations(await readFile(path, 'utf8'));
      seen.declarations += count;
      return { contents: text };
    });
    onLoad({ filter: /@modelcontextprotocol\/server\/dist\/src-.*\.mjs$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const filled = fillRegistryWhenUsed(source);
      const contents = buildEraOnDemand(filled);
      if (filled !== source) seen.registries += 1;
      if (contents !== filled) seen.eras += 1;
      return { contents };
    });
    onEnd(() => {
      if (seen.declarations >= 100 && seen.registries === 1 && seen.eras === 1) return undefined;
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

const ERA = /^function build\$1\(\) \{\n([\s\S]*?)^\treturn \{\n([\s\S]*?)^\t\};\n\}\n/m;
const ERA_CONST = /^\tconst ([\w$]+) = ([\s\S]*?);\n(?=\tconst |\t\/\*\*|(?![\s\S]))/gm;
const ERA_MEMBER = /^\t\t(\w+): ([\s\S]*?)(?:,\n(?=\t\t\w)|\n(?![\s\S]))/gm;
const ERA_MAPS = /^function registryMaps\(\) \{\n[\s\S]*?^\}\n/m;

/** In the builder of the legacy era every constant becomes a function that makes its value once, and is called for it. */
export function buildEraOnDemand(source) {
  const [whole, constants, members] = ERA.exec(source) ?? [];
  const [maps] = ERA_MAPS.exec(source) ?? [];
  if (whole === undefined || maps === undefined) return source;
  const names = new Set([...constants.matchAll(ERA_CONST)].map(([, name]) => name));
  const called = (code) =>
    code.replaceAll(/(?<=\.\.\.|(?<![\w$.]))[\w$]+(?![\w$(:])/g, (name) => (names.has(name) ? `${name}()` : name));
  const lazyConstants = constants.replaceAll(
    ERA_CONST,
    (_all, name, value) => `\tconst ${name} = later(() => ${called(value)});\n`,
  );
  const lazyMembers = members.replaceAll(
    ERA_MEMBER,
    (_all, key, value) => `\t\t${key}: later(() => ${called(value)}),\n`,
  );
  const missed =
    /^\tconst \S+ = (?!later\()/m.test(lazyConstants) ||
    /^\t\t\w+: (?!later\()/m.test(lazyMembers) ||
    usedUncalled(lazyConstants + lazyMembers, names);
  if (names.size < 100 || missed) return source;
  const builder = `function build$1() {
	const later = (make) => { let made; return () => (made ??= make()); };
${lazyConstants}	const members = {
${lazyMembers}	};
	const era = {};
	for (const key in members) Object.defineProperty(era, key, { enumerable: true, get: members[key] });
	return era;
}
`;
  const lazyMaps = maps.replaceAll(/^(\t+)("?[\w/]+"?): (s\.\w+)/gm, '$1get $2() { return $3; }');
  return source.replace(whole, () => builder).replace(maps, () => lazyMaps);
}

/** A name that was overlooked would be a function where a schema is expected, and zod takes that in silence. */
function usedUncalled(code, names) {
  const uses = code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\tconst [\w$]+|^\t\t\w+:/gm, '');
  return [...uses.matchAll(/[\w$]+(?!\(\)|[\w$])/g)].some(([name]) => names.has(name));
}
