/** What the published package may hold, as data and as one pure function over what was packed. */

export type PackedFile = { path: string; bytes: number };
export type Budget = { packedBytes: number; installedBytes: number };
export type Packed = {
  files: readonly PackedFile[];
  packedBytes: number;
  /** package.json, as packed. */
  manifest: { scripts?: object; [field: string]: unknown };
};

/** Every file of the package fits one of these, and each of these fits a file. */
export const PACKAGE_FILES: readonly RegExp[] = [
  /^package\.json$/,
  /^README\.md$/,
  /^CHANGELOG\.md$/,
  /^LICENSE$/,
  /^dist\/main\.js$/,
  /^dist\/program\.js$/,
  /^dist\/preview-worker\.js$/,
  // Chunks of the program: the bundler's name and the hash of the content.
  /^dist\/[a-z][a-z-]*-[A-Z0-9]{8}\.js$/,
  /^dist\/mozjpeg_enc\.wasm$/,
  /^dist\/mozjpeg_dec\.wasm$/,
  /^dist\/webp_dec\.wasm$/,
  /^dist\/squoosh_png_bg\.wasm$/,
  /^dist\/squoosh_resize_bg\.wasm$/,
  /^dist\/viewer\.html$/,
  /^dist\/THIRD_PARTY_LICENSES\.txt$/,
  /^dist\/sbom\.json$/,
];

const DEPENDENCY_LISTS = [
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'bundleDependencies',
  'bundledDependencies',
];
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'];

export function installedBytes(files: readonly PackedFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** One sentence for each thing that is wrong. */
export function packageProblems({ files, packedBytes, manifest }: Packed, budget: Budget): string[] {
  const paths = files.map(({ path }) => path);
  const unexpected = paths.filter((path) => !PACKAGE_FILES.some((known) => known.test(path)));
  const missing = PACKAGE_FILES.filter((known) => !paths.some((path) => known.test(path)));
  const scripts = manifest.scripts ?? {};
  return [
    ...unexpected.map((path) => `${path} is in the package and not in PACKAGE_FILES (scripts/package-rules.ts)`),
    ...missing.map((known) => `no file of the package fits ${known}`),
    ...DEPENDENCY_LISTS.filter((list) => Object.keys(manifest[list] ?? {}).length > 0).map(
      (list) => `package.json has ${list}: users would have to install them; bundle them instead`,
    ),
    ...INSTALL_SCRIPTS.filter((name) => Object.hasOwn(scripts, name)).map(
      (name) => `package.json has the script ${name}, which would run on the user's machine`,
    ),
    ...tooLarge('packed', packedBytes, budget.packedBytes),
    ...tooLarge('installed', installedBytes(files), budget.installedBytes),
  ];
}

function tooLarge(what: string, bytes: number, most: number): string[] {
  if (bytes <= most) return [];
  return [`the package has ${bytes} bytes ${what}; scripts/package-budget.json allows ${most}`];
}
