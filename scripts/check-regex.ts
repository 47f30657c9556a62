/** Searches every regular expression of src/ and sandbox/ for one that a hostile text makes slow, and says where it is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { slowPatterns } from './regex-rules.ts';

const ROOT = join(import.meta.dirname, '..');

// What scripts/ reads is this repository alone.
const files = ['src', 'sandbox']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(ROOT, folder, name)),
  )
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }));
const { checked, slow } = await slowPatterns(files);
for (const { path, line, source, message } of slow) console.error(`${path}:${line}  ${source}\n    ${message}`);
console.log(`${checked} regular expressions, ${slow.length} findings`);
process.exitCode = slow.length === 0 ? 0 : 1;
