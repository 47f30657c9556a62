/** Packs what is in dist/ as npm would publish it, in a temporary folder, and checks the files, their size and the manifest. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { type Budget, installedBytes, type Packed, type PackedFile, packageProblems } from './package-rules.ts';

const ROOT = join(import.meta.dirname, '..');

function* filesIn(folder: string, root = folder): Generator<PackedFile> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path, root);
    else yield { path: relative(root, path).split(sep).join('/'), bytes: statSync(path).size };
  }
}

function packed(folder: string): Packed {
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: ROOT });
  const [archive] = readdirSync(folder);
  if (archive === undefined) throw new Error('npm pack left no archive');
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', folder]);
  const content = join(folder, 'package');
  return {
    files: [...filesIn(content)],
    packedBytes: statSync(join(folder, archive)).size,
    manifest: JSON.parse(readFileSync(join(content, 'package.json'), 'utf8')),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'flux-package-'));
try {
  const budget: Budget = JSON.parse(readFileSync(join(import.meta.dirname, 'package-budget.json'), 'utf8'));
  const found = packed(folder);
  const problems = packageProblems(found, budget);
  for (const problem of problems) console.error(problem);
  const sizes = `${found.packedBytes} bytes packed, ${installedBytes(found.files)} installed`;
  console.log(`${found.files.length} files, ${sizes}, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
