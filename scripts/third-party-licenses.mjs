/** Collects the licence texts of everything that a bundle contains, and refuses what it may not contain. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** SPDX names that allow redistribution with nothing but their text. */
const ALLOWED = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Zlib']);

/**
 * Packages that another package has copied into its own published files. Where such a copy is not installed itself,
 * its licence text is kept in scripts/licenses/, taken from its repository.
 */
const COPIED = { '@cfworker/json-schema': { license: 'MIT', file: 'cfworker-json-schema.txt' } };

/** Dependencies of a package that are built into its published files without a mark. */
const BUILT_IN = { psl: ['punycode'] };

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;
const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;
/** Bundlers that copy leave the origin of each region, for example `#region …/.pnpm/a+b@1.2.3/node_modules/a/b/…`. */
const COPIED_REGION = /#region .*\/\.pnpm\/[^/]*@(\d[^/_]*)[^/]*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g;

/** The folder of the package that a file belongs to, and its name; both absent for a file of this repository. */
export function packageOf(file) {
  const [, folder, name] = PACKAGE.exec(file) ?? [];
  return { folder, name };
}

/**
 * Every package that a bundle contains, once for each version, sorted.
 * @param root folder that holds node_modules
 * @param inputs bundled files, relative to `root`
 * @param assets files of packages that are copied as they are, as package specifiers
 */
export async function bundledPackages(root, inputs, assets) {
  const folders = new Map();
  const copies = new Map();
  const addCopy = async (name, version, copier) => {
    const id = `${name}@${version}`;
    if (!copies.has(id)) copies.set(id, await copy(root, name, version, copier));
    copies.get(id).copiedInto.add(copier);
  };
  for (const input of [...inputs, ...assets.map((asset) => `node_modules/${asset}`)]) {
    const { folder, name } = packageOf(input);
    if (folder === undefined) continue;
    if (!folders.has(folder)) folders.set(folder, await installed(root, folder, name));
    for (const copied of BUILT_IN[name] ?? []) {
      const { version } = await installed(root, `node_modules/${copied}`, copied);
      await addCopy(copied, version, name);
    }
    if (!/\.[cm]?js$/.test(input)) continue;
    for (const [, version, copied] of (await readFile(join(root, input), 'utf8')).matchAll(COPIED_REGION)) {
      await addCopy(copied, version, name);
    }
  }
  const packages = new Map([...copies, ...[...folders.values()].map((one) => [`${one.name}@${one.version}`, one])]);
  return [...packages].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry);
}

/** The text of THIRD_PARTY_LICENSES.txt. */
export function licenseTexts(packages) {
  const head = 'The files in this folder contain the following packages, each under its own licence.\n';
  const list = packages.map(({ name, version, license }) => `  ${name} ${version} (${license})\n`).join('');
  const rule = '='.repeat(100);
  const texts = packages.map((entry) => {
    const origin = entry.copiedInto === undefined ? '' : `, as copied into ${[...entry.copiedInto].join(', ')}`;
    return `\n${rule}\n${entry.name} ${entry.version} (${entry.license})${origin}\n${rule}\n\n${entry.text}\n`;
  });
  return `${head}\n${list}${texts.join('')}`;
}

async function installed(root, folder, name) {
  const { version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
  const texts = [];
  for (const subfolder of ['', 'codec']) {
    const files = await readdir(join(root, folder, subfolder)).catch(() => []);
    for (const file of files.filter((entry) => LICENSE_FILE.test(entry)).sort()) {
      texts.push((await readFile(join(root, folder, subfolder, file), 'utf8')).trimEnd());
    }
  }
  return checked({ name, version, license, folder, text: texts.join('\n\n') });
}

/** A package that another one has copied into its own files has no folder of its own. */
async function copy(root, name, version, copiedBy) {
  const copiedInto = new Set();
  const kept = COPIED[name];
  if (kept) {
    const text = (await readFile(join(root, 'scripts/licenses', kept.file), 'utf8')).trimEnd();
    return checked({ name, version, license: kept.license, text, copiedInto });
  }
  const here = await installed(root, `node_modules/${name}`, name).catch(() => undefined);
  if (here) return { name, version, license: here.license, text: here.text, copiedInto };
  throw new Error(`${copiedBy} contains a copy of ${name} ${version}: add its licence text to scripts/licenses/`);
}

function checked(entry) {
  if (!ALLOWED.has(entry.license)) {
    throw new Error(
      `${entry.name} ${entry.version} is under "${entry.license}", which scripts/third-party-licenses.mjs does not allow`,
    );
  }
  if (entry.text === '') throw new Error(`${entry.name} ${entry.version} comes without a licence file`);
  return entry;
}
