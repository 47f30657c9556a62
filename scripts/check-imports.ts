/** Checks every source and test file against the architecture's rules and says where an offending line belongs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { checkSources, type SourceFile } from './import-rules.ts';

const ROOT = join(import.meta.dirname, '..');

function* sources(folder: string): Generator<SourceFile> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* sources(path);
    else if (entry.name.endsWith('.ts')) {
      yield { path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') };
    }
  }
}

const files = ['src', 'sandbox', 'test'].flatMap((folder) => [...sources(join(ROOT, folder))]);
const findings = checkSources(files);
for (const { path, line, rule, offending, message } of findings) {
  console.error(`${path}:${line}  ${rule}: ${offending}\n    ${message}`);
}
console.log(`${files.length} files, ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
