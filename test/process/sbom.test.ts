/** The SBOM in the packed package: valid by CycloneDX's own schema, and complete. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { afterAll, describe, expect, it } from 'vitest';
import type { Bom } from '../../scripts/sbom.mjs';
import { CHECKOUT, unpackPackage } from '../support/packed-program.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const readPacked = (file: string): string => readFileSync(join(packed.folder, file), 'utf8');
const text = readPacked('dist/sbom.json');
const bom = JSON.parse(text) as Bom;
const nameOf = ({ group, name }: { group?: string; name: string }): string =>
  group === undefined ? name : `${group}/${name}`;

/** The schema of CycloneDX 1.6 with the two that it refers to, as CycloneDX's package for JavaScript ships them. */
function bySchema(): (value: unknown) => { valid: boolean; errors: string } {
  const library = dirname(fileURLToPath(import.meta.resolve('@cyclonedx/cyclonedx-library/package.json')));
  const schema = (name: string) =>
    JSON.parse(readFileSync(join(library, 'res/schema', `${name}.SNAPSHOT.schema.json`), 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  // Every address here is plain ASCII, for which the two are the same; ajv-formats has no rule for the other ones.
  ajv.addFormat('iri-reference', formats.default.get('uri-reference'));
  ajv.addFormat('idn-email', formats.default.get('email'));
  ajv.addSchema(schema('spdx'), 'http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json');
  ajv.addSchema(schema('jsf-0.82'), 'http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json');
  const validate = ajv.compile(schema('bom-1.6'));
  return (value) => ({ valid: validate(value), errors: ajv.errorsText(validate.errors) });
}

describe('dist/sbom.json', () => {
  it('is valid CycloneDX 1.6', () => {
    const check = bySchema();
    expect(check(bom)).toEqual({ valid: true, errors: 'No errors' });
    // The schema does see what is wrong.
    const broken = [
      { bomFormat: 'SPDX' },
      { specVersion: 1.6 },
      { components: [{ type: 'library' }] },
      { components: [{ type: 'module', name: 'zod' }] },
      { components: [{ ...bom.components[0], licenses: [{ license: { id: 'Own-Licence' } }] }] },
      { components: [{ ...bom.components[0], hashes: [{ alg: 'SHA-512', content: 'abc' }] }] },
      { metadata: { ...bom.metadata, timestamp: 'today' } },
      { unknownField: true },
    ];
    for (const change of broken) expect(check({ ...bom, ...change }).valid, JSON.stringify(change)).toBe(false);
  });

  it('describes this version of this package', () => {
    const manifest = JSON.parse(readPacked('package.json'));
    expect(bom.metadata.component).toMatchObject({
      name: manifest.name,
      version: manifest.version,
      licenses: [{ license: { id: manifest.license } }],
      purl: `pkg:npm/${manifest.name}@${manifest.version}`,
    });
  });

  it('names what the list of licences names, with the same versions and licences', () => {
    const listed = [...readPacked('dist/THIRD_PARTY_LICENSES.txt').matchAll(/^ {2}(\S+) (\S+) \((\S+)\)$/gm)];
    expect(listed.length).toBeGreaterThan(15);
    expect(
      bom.components.map((component) => [nameOf(component), component.version, component.licenses[0]?.license.id]),
    ).toEqual(listed.map(([, name, version, license]) => [name, version, license]));
  });

  it('has the hash of the lockfile for every package that was installed', () => {
    const lock = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8'));
    const known = new Map<string, string>();
    for (const [folder, { version, integrity }] of Object.entries<{ version: string; integrity?: string }>(
      lock.packages,
    )) {
      const name = folder.split('node_modules/').at(-1);
      const digest = integrity?.replace(/^sha512-/, '') ?? '';
      known.set(`${name}@${version}`, Buffer.from(digest, 'base64').toString('hex'));
    }
    const installed = bom.components.filter(({ properties }) => properties === undefined);
    expect(installed.length).toBeGreaterThan(15);
    for (const component of installed) {
      const content = known.get(`${nameOf(component)}@${component.version}`);
      expect(component.hashes, component.purl).toEqual([{ alg: 'SHA-512', content }]);
    }
    for (const { hashes, properties } of bom.components) expect(hashes === undefined).toBe(properties !== undefined);
  });

  it('reaches every component from the program', () => {
    const needs = new Map(bom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
    const reached = new Set([bom.metadata.component['bom-ref']]);
    for (const ref of reached) for (const next of needs.get(ref) ?? []) reached.add(next);
    const refs = bom.components.map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect([...reached].sort()).toEqual([bom.metadata.component['bom-ref'], ...refs].sort());
    expect([...needs.keys()].sort()).toEqual([...reached].sort());
  });

  it('holds nothing that changes from build to build', () => {
    expect(text).not.toContain('serialNumber');
    if (!process.env.SOURCE_DATE_EPOCH) expect(text).not.toContain('timestamp');
  });
});
