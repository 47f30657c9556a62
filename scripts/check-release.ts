/** Checks that a tag (`npm run check:release -- v1.2.3`), the version, the changelog and the addresses agree. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { releaseProblems } from './release-rules.ts';

const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', file), 'utf8');

const [tag] = process.argv.slice(2);
if (tag === undefined) throw new Error('name the tag, as in: npm run check:release -- v1.2.3');
const problems = releaseProblems(tag, {
  manifest: JSON.parse(read('package.json')),
  lock: JSON.parse(read('package-lock.json')),
  changelog: read('CHANGELOG.md'),
  security: read('SECURITY.md'),
});
for (const problem of problems) console.error(problem);
console.log(`${tag}: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
