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

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;
const PACKAGE = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//;
/** Bundlers that copy leave the origin of each region, for example `#region …/.pnpm/a+b@1.2.3/node_modules/a/b/…`. */
const COPIED_REGION = /#region .*\/\.pnpm\/[^/]*@(\d[^/_]*)[^/]*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g;

/**
 * The text of THIRD_PARTY_LICENSES.txt.
 * @param root folder that holds node_modules
 * @param inputs bundled files, relative to `root`
 * @param assets files of packages that are copied as they are, as package specifiers
 */
export async function thirdPartyLicenses(root, inputs, assets) {
  const entries = new Map();
  for (const input of [...inputs, ...assets.map((asset) => `node_modules/${asset}`)]) {
    const [, folder, name] = PACKAGE.exec(input) ?? [];
    if (folder === undefined || name === undefined) continue;
    if (!entries.has(name)) entries.set(name, await installed(root, folder, name));
    if (!/\.[cm]?js$/.test(input)) continue;
    for (const [, version, copied] of (await readFile(join(root, input), 'utf8')).matchAll(COPIED_REGION)) {
      if (!entries.has(copied)) entries.set(copied, await copy(root, copied, version, name));
    }
  }
  const sorted = [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const head = 'The files in this folder contain the following packages, each under its own licence.\n';
  const list = sorted.map(({ name, version, license }) => `  ${name} ${version} (${license})\n`).join('');
  const rule = '='.repeat(100);
  const texts = sorted.map((entry) => {
    const origin = entry.copiedBy === undefined ? '' : `, as copied into ${entry.copiedBy}`;
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
  return checked({ name, version, license, text: texts.join('\n\n') });
}

async function copy(root, name, version, copiedBy) {
  const kept = COPIED[name];
  if (kept) {
    const text = (await readFile(join(root, 'scripts/licenses', kept.file), 'utf8')).trimEnd();
    return checked({ name, version, license: kept.license, text, copiedBy });
  }
  const here = await installed(root, `node_modules/${name}`, name).catch(() => undefined);
  if (here) return { ...here, version, copiedBy };
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
