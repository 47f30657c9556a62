/** Proves that a pattern which a hostile text makes slow is found wherever and however it is written. */
import { describe, expect, it } from 'vitest';
import { patternsIn } from '../../../scripts/regex-patterns.ts';
import { slowPatterns } from '../../../scripts/regex-rules.ts';

const sourcesIn = (text: string): string[] =>
  patternsIn(text).map((one) => ('unknown' in one ? `? ${one.unknown}` : `/${one.source}/${one.flags}`));

describe('the rule about regular expressions', () => {
  it('reports a slow pattern with its file and line, and no other', async () => {
    const text = ['const FAST = /^a+$/u;', '', 'const SLOW = /(?:a|a)*$/u;'].join('\n');
    const { checked, slow } = await slowPatterns([{ path: 'src/core/a.ts', text }]);
    expect(checked).toBe(2);
    expect(slow).toEqual([expect.objectContaining({ path: 'src/core/a.ts', line: 3, source: '/(?:a|a)*$/u' })]);
  });

  it('reports a slow pattern that is put together from constants', async () => {
    const text = ["const TAIL = '+@';", `const URL = new RegExp(\`\\\\b[a-z.]\${TAIL}\`, "u");`].join('\n');
    const { slow } = await slowPatterns([{ path: 'src/core/a.ts', text }]);
    expect(slow).toEqual([expect.objectContaining({ line: 2, source: '/\\b[a-z.]+@/u' })]);
  });

  it('reports a pattern that depends on what the program does', async () => {
    const { slow } = await slowPatterns([
      { path: 'src/core/a.ts', text: 'export const f = (x: string) => new RegExp(x);' },
    ]);
    expect(slow).toEqual([expect.objectContaining({ line: 1, source: 'new RegExp(x)' })]);
  });

  it.each([
    ['a literal inside a call', "z.string().regex(/^a$/u).parse('a');", ['/^a$/u']],
    ['a literal in a class', 'class A { readonly #x = /b/g; }', ['/b/g']],
    ['a call without new', "const a = RegExp('a|b', 'i');", ['/a|b/i']],
    ['a sum of texts', "const A = 'a'; const b = new RegExp(A + '+');", ['/a+/']],
    [
      'the text of another pattern',
      `const A = /a/u; const b = new RegExp(\`^\${A.source}$\`, "u");`,
      ['/a/u', '/^a$/u'],
    ],
    [
      'a function that makes patterns, by its calls',
      `const p = (s: string): RegExp => new RegExp(\`^\${s}\`, "su"); const x = p("a"); const y = [p("b")];`,
      ['/^a/su', '/^b/su'],
    ],
    ['a comment or a text that looks like one', "// /a+/\nconst x = '/a+/';", []],
  ])('finds %s', (_, text, sources) => {
    expect(sourcesIn(text)).toEqual(sources);
  });
});
