/** The list of what the package contains (SBOM), in CycloneDX 1.6, from what the bundler has read and taken. */
import { packageOf } from './third-party-licenses.mjs';

/**
 * The same inputs give the same text: there is no serial number, and a time only where the caller sets one.
 * @param manifest package.json
 * @param packages from `bundledPackages`
 * @param metafiles esbuild's, of all bundles
 * @param lock package-lock.json
 * @param epoch seconds since 1970 as text (SOURCE_DATE_EPOCH), or absent
 */
export function sbom({ manifest, packages, metafiles, lock, epoch }) {
  const own = purl(manifest);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      ...timestamp(epoch),
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': own,
        ...identity(manifest),
        description: manifest.description,
        externalReferences: [
          { type: 'vcs', url: manifest.repository.url },
          { type: 'issue-tracker', url: manifest.bugs.url },
          { type: 'website', url: manifest.homepage },
        ],
      },
    },
    components: packages.map((one) => ({
      type: 'library',
      'bom-ref': purl(one),
      ...identity(one),
      ...hashes(one, lock),
      ...copies(one),
    })),
    dependencies: dependencies(own, packages, metafiles),
  };
}

/** A scope (`@scope/name`) is a group of its own in CycloneDX. */
function identity(one) {
  const [, group, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(one.name);
  const named = group === undefined ? { name } : { group, name };
  return { ...named, version: one.version, licenses: [{ license: { id: one.license } }], purl: purl(one) };
}

function purl({ name, version }) {
  return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}@${encodeURIComponent(version)}`;
}

function timestamp(epoch) {
  if (epoch === undefined || epoch === '') return {};
  if (!/^\d{1,12}$/.test(epoch))
    throw new Error(`SOURCE_DATE_EPOCH is "${epoch}": it must be a whole number of seconds`);
  return { timestamp: new Date(Number(epoch) * 1000).toISOString() };
}

/** Of the archive that npm has installed. A copy inside another package did not come from an archive of its own. */
function hashes({ folder, version }, lock) {
  const locked = folder === undefined ? undefined : lock.packages[folder];
  const [, digest] = /^sha512-(\S+)$/.exec(locked?.integrity ?? '') ?? [];
  if (digest === undefined || locked.version !== version) return {};
  return { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] };
}

function copies({ copiedInto = [] }) {
  const properties = [...copiedInto].map((value) => ({ name: 'flux-pro-mcp:copied-into', value }));
  return properties.length === 0 ? {} : { properties };
}

/** Who imports whom, as esbuild has resolved it. Files without a byte in the bundle count too: some only pass exports on. */
function dependencies(own, packages, metafiles) {
  const refs = new Map(packages.filter(({ folder }) => folder).map((one) => [one.folder, purl(one)]));
  const graph = new Map([own, ...packages.map(purl)].map((ref) => [ref, new Set()]));
  for (const [file, { imports }] of metafiles.flatMap(({ inputs }) => Object.entries(inputs))) {
    const { folder } = packageOf(file);
    const from = folder === undefined ? own : refs.get(folder);
    for (const { path } of imports) {
      const to = refs.get(packageOf(path).folder);
      if (from !== undefined && to !== undefined && to !== from) graph.get(from).add(to);
    }
  }
  for (const one of packages) {
    for (const { name, ...copier } of packages.filter(({ name }) => one.copiedInto?.has(name))) {
      graph.get(purl({ name, ...copier })).add(purl(one));
    }
  }
  return [...graph].map(([ref, on]) => (on.size === 0 ? { ref } : { ref, dependsOn: [...on].sort() }));
}
