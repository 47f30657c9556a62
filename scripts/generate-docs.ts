/** Writes the generated parts of the documents (`npm run docs`), or says which are out of date (`--check`). */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BLOCKS, smitheryYaml } from './generated-docs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BLOCK = /<!-- generated:([\w-]+) -->\n[\s\S]*?<!-- \/generated -->/gu;

async function markdownFiles(): Promise<string[]> {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true });
  return ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
}

async function filled(text: string, file: string): Promise<string> {
  const made = new Map<string, string>();
  for (const [, name = ''] of text.matchAll(BLOCK)) {
    const block = await BLOCKS[name]?.();
    if (block === undefined) throw new Error(`${file}: there is no generated block "${name}"`);
    made.set(name, `<!-- generated:${name} -->\n\n${block}\n\n<!-- /generated -->`);
  }
  return text.replace(BLOCK, (_whole, name: string) => made.get(name) ?? '');
}

async function main(): Promise<void> {
  const check = process.argv.includes('--check');
  const wanted = new Map<string, string>([['smithery.yaml', smitheryYaml()]]);
  const used = new Set<string>();
  for (const file of await markdownFiles()) {
    const text = await readFile(join(ROOT, file), 'utf8');
    for (const [, name] of text.matchAll(BLOCK)) used.add(name ?? '');
    wanted.set(file, await filled(text, file));
  }
  const unused = Object.keys(BLOCKS).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`no document shows the generated block ${unused.join(', ')}`);
  for (const [file, text] of wanted) {
    const now = await readFile(join(ROOT, file), 'utf8').catch(() => '');
    if (now === text) continue;
    if (!check) await writeFile(join(ROOT, file), text);
    else process.exitCode = 1;
    console.log(check ? `${file} is out of date: run "npm run docs" and commit it` : `wrote ${file}`);
  }
}

await main();
