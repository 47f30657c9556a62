// Owns the proof that the build's changes to the MCP SDK leave every schema as it was.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { fillRegistryWhenUsed, markDeclarations } from '../../../scripts/lean-sdk.mjs';

type Schemas = Record<string, z.ZodType>;
type Maps = Record<string, Schemas>;
type Sdk = { era: Schemas; maps: Maps; registry: Schemas; guards: Record<string, (value: unknown) => boolean> };

const sdk = dirname(fileURLToPath(import.meta.resolve('@modelcontextprotocol/server')));
const file = join(sdk, readdirSync(sdk).find((name) => /^src-.*\.mjs$/.test(name)) ?? '');
const source = readFileSync(file, 'utf8');

async function load(serverSource: string, coreSource: (text: string) => string): Promise<Sdk> {
  const wanted =
    '\nexport const probe = { era: buildSchemas2025(), maps: registryMaps(), registry: specTypeSchemas, guards: isSpecType };';
  const { outputFiles } = await build({
    stdin: { contents: serverSource + wanted, resolveDir: sdk },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
    plugins: [
      {
        name: 'core',
        setup({ onLoad }) {
          onLoad({ filter: /@modelcontextprotocol\/core\/dist\/.*\.mjs$/ }, ({ path }) => ({
            contents: coreSource(readFileSync(path, 'utf8')),
          }));
        },
      },
    ],
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  const module = (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)) as { probe: Sdk };
  return module.probe;
}

const schemaForm = (schema: z.ZodType): unknown =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', cycles: 'ref' });
const forms = (schemas: Schemas): Record<string, unknown> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schemaForm(schema)]));

describe('the lean SDK', async () => {
  const original = await load(source, (text) => text);
  const lean = await load(fillRegistryWhenUsed(source), (text) => markDeclarations(text).text);

  it('changes what it means to change', () => {
    expect(fillRegistryWhenUsed(source)).not.toBe(source);
    expect(Object.keys(original.era).length).toBeGreaterThan(100);
  });

  it('keeps every schema of the legacy era', () => {
    expect(forms(lean.era)).toEqual(forms(original.era));
  });

  it('keeps which schema serves which method', () => {
    expect(Object.keys(lean.maps)).toEqual(Object.keys(original.maps));
    for (const [kind, schemas] of Object.entries(original.maps)) {
      expect(forms(lean.maps[kind] ?? {})).toEqual(forms(schemas));
    }
  });

  it('keeps the registry of types for whoever uses it', () => {
    expect(forms(lean.registry)).toEqual(forms(original.registry));
    expect(Object.keys(lean.guards)).toEqual(Object.keys(original.guards));
    expect(lean.guards.Implementation?.({ name: 'a', version: '1' })).toBe(true);
    expect(lean.guards.Implementation?.({ name: 'a' })).toBe(false);
  });

  it('is for one exact version of the SDK, which brings its core in one exact version', () => {
    const versionIn = (path: string, name: string) => JSON.parse(readFileSync(path, 'utf8'))[name];
    const root = new URL('../../../package.json', import.meta.url).pathname;
    const pinned = versionIn(root, 'devDependencies')['@modelcontextprotocol/server'];
    const installed = join(dirname(sdk), 'package.json');
    expect(pinned).toBe(versionIn(installed, 'version'));
    expect(versionIn(installed, 'dependencies')['@modelcontextprotocol/core']).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('leaves an SDK alone that it does not understand, for the build to notice', () => {
    expect(fillRegistryWhenUsed('const a = 1;\n')).toBe('const a = 1;\n');
    expect(markDeclarations('const a = 1;\n').count).toBe(0);
  });
});
