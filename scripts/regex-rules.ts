/** The rule about regular expressions: none may take more time than in proportion to the text's length. */
import type { Diagnostics } from 'recheck';
import type { SourceFile } from './import-rules.ts';
import { type Pattern, patternsIn } from './regex-patterns.ts';

export type SlowPattern = { path: string; line: number; source: string; message: string };

/** The checker has no notion of these: they change what is matched, not how long it takes. */
const FLAGS_LEFT_OUT = /[dv]/gu;
/** Of one pattern: it takes seconds on an idle machine, and what is given up looks like a finding. */
const LIMIT_MS = 240_000;

/** Patterns that are slow, or of which that cannot be said, in files whose paths are relative to the repository. */
export async function slowPatterns(files: readonly SourceFile[]): Promise<{ checked: number; slow: SlowPattern[] }> {
  // Its JavaScript alone: no Java, no binary.
  process.env.RECHECK_SYNC_BACKEND = 'pure';
  const { checkSync } = await import('recheck');
  const known = new Map<string, string | undefined>();
  const slow: SlowPattern[] = [];
  for (const { path, text } of files) {
    for (const found of patternsIn(text)) {
      if ('unknown' in found) {
        const message = 'Build it from constants, so that it can be checked, or compare texts without a pattern.';
        slow.push({ path, line: found.line, source: found.unknown, message });
        continue;
      }
      const name = `/${found.source}/${found.flags}`;
      if (!known.has(name)) known.set(name, problemOf(found, checkSync));
      const message = known.get(name);
      if (message !== undefined) slow.push({ path, line: found.line, source: name, message });
    }
  }
  return { checked: known.size, slow };
}

type Check = (source: string, flags: string, options: { timeout: number }) => Diagnostics;

function problemOf({ source, flags }: Pattern, check: Check): string | undefined {
  const result = check(source, flags.replace(FLAGS_LEFT_OUT, ''), { timeout: LIMIT_MS });
  switch (result.status) {
    case 'safe':
      return undefined;
    case 'vulnerable':
      return `A hostile text makes it slow: ${result.complexity.summary}, for example ${result.attack.pattern}.`;
    case 'unknown':
      return `Whether it can be made slow is not known (${result.error.kind}): make it simpler.`;
    default:
      return result satisfies never;
  }
}
