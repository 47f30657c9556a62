/** The types of sbom.mjs and of what it emits, for their tests. */
export type BundledPackage = {
  name: string;
  version: string;
  license: string;
  folder?: string;
  copiedInto?: ReadonlySet<string>;
};
type Manifest = {
  name: string;
  version: string;
  license: string;
  description: string;
  repository: { url: string };
  bugs: { url: string };
  homepage: string;
};
type Metafile = { inputs: Record<string, { imports: readonly { path: string }[] }> };

export type Component = {
  'bom-ref': string;
  group?: string;
  name: string;
  version: string;
  purl: string;
  licenses: { license: { id: string } }[];
  hashes?: { alg: string; content: string }[];
  properties?: { name: string; value: string }[];
};
export type Bom = {
  metadata: { timestamp?: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
};

export function sbom(from: {
  manifest: Manifest;
  packages: readonly BundledPackage[];
  metafiles: readonly Metafile[];
  lock: { packages: Record<string, { version?: string; integrity?: string }> };
  epoch?: string | undefined;
}): Bom;
