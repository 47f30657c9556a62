// Owns the proof that the architecture's rules find what they should, and nothing else.
import { describe, expect, it } from 'vitest';
import { checkSources, type Finding, importsOf } from '../../../scripts/import-rules.ts';

const OPENING = '/** Owns something. */\n';

/** Findings over files whose text follows a proper opening line, so line numbers start at 2. */
function check(files: Record<string, string>): Finding[] {
  return checkSources(Object.entries(files).map(([path, text]) => ({ path, text: OPENING + text })));
}
const brief = (findings: Finding[]): string[] =>
  findings.map(({ path, line, rule, offending }) => `${path}:${line} ${rule}: ${offending}`);

describe('the import table', () => {
  it.each([
    ['src/core/a.ts', "import * as z from 'zod';"],
    ['src/core/a.ts', "import * as z from 'zod/v4';"],
    ['src/doitong/a.ts', "import { request } from 'undici';\nimport { createHash } from 'node:crypto';"],
    ['src/storage/a.ts', "import { open } from 'node:fs/promises';"],
    ['src/images/a.ts', "import encode from '@jsquash/jpeg/encode.js';"],
    ['sandbox/a.ts', "import { parse } from 'graphql';\nimport { createServer } from 'node:http';"],
    ['src/mcp/tools/a.ts', "import { Server } from '@modelcontextprotocol/server';"],
    ['src/transports/a.ts', "import { serveStdio } from '@modelcontextprotocol/server/stdio';"],
    ['src/cli/a.ts', "import { Client } from '@modelcontextprotocol/sdk/client/index.js';"],
  ])('%s may contain %s', (path, text) => {
    expect(check({ [path]: text })).toEqual([]);
  });

  it.each([
    ['src/core/a.ts', "import { readFile } from 'node:fs/promises';", 'node:fs/promises', 'storage/'],
    ['src/core/a.ts', "import type { Agent } from 'undici';", 'undici', 'doitong/'],
    ['src/core/a.ts', "export { z } from 'valibot';", 'valibot', 'Where does this line go?'],
    ['src/jobs/a.ts', "import * as z from 'zod';", 'zod', 'no package'],
    ['src/jobs/a.ts', "const x = await import('undici');", 'undici', 'doitong/'],
    ['src/doitong/a.ts', "import { createServer } from 'node:http';", 'node:http', 'transports/'],
    ['src/doitong/a.ts', "import { parse } from 'graphql';", 'graphql', 'sandbox/'],
    ['src/storage/a.ts', "import { request } from 'undici';", 'undici', 'doitong/'],
    [
      'src/mcp/a.ts',
      "import { Client } from '@modelcontextprotocol/sdk/client/index.js';",
      '@modelcontextprotocol',
      'demo',
    ],
    ['src/transports/a.ts', "import { createServer } from 'node:http2';", 'node:http2', 'transports/'],
    ['src/app.ts', "import { randomUUID } from 'node:crypto';", 'node:crypto', 'app.ts may import no package'],
  ])('%s may not contain %s', (path, text, offending, belongs) => {
    const [finding, ...more] = check({ [path]: text });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ path, line: 2, rule: 'import table' });
    expect(finding?.offending).toContain(offending);
    expect(finding?.message).toContain(belongs);
  });

  it.each([
    ['src/core/a.ts', '../doitong/b.ts', 'src/doitong/b.ts'],
    ['src/doitong/a.ts', '../storage/b.ts', 'src/storage/b.ts'],
    ['src/storage/a.ts', '../images/b.ts', 'src/images/b.ts'],
    ['src/jobs/a.ts', '../runtime/b.ts', 'src/runtime/b.ts'],
    ['src/mcp/tools/a.ts', '../../config/b.ts', 'src/config/b.ts'],
    ['src/transports/a.ts', '../mcp/b.ts', 'src/mcp/b.ts'],
    ['sandbox/a.ts', '../src/core/b.ts', 'src/core/b.ts'],
    ['src/app.ts', '../sandbox/b.ts', 'sandbox/b.ts'],
    ['src/app.ts', './mcp/b.ts', 'src/mcp/b.ts'],
    ['src/cli/a.ts', '../../scripts/b.ts', 'scripts/b.ts'],
  ])('%s may not import %s, not even a type', (path, specifier, target) => {
    const findings = check({ [path]: `\nimport type { B } from '${specifier}';`, [target]: '' });
    expect(brief(findings)).toEqual([`${path}:3 import table: ${specifier}`]);
  });

  it('allows neighbours, what the table lists, and everything to cli', () => {
    const text = "import { b } from '../core/b.ts';\nimport { c } from './c.ts';\n";
    const files = { 'src/core/b.ts': '', 'src/jobs/a.ts': text, 'src/jobs/c.ts': '', 'src/cli/a.ts': '' };
    expect(check({ ...files, 'src/cli/d.ts': "import '../core/b.ts';\nimport '../jobs/a.ts';" })).toEqual([]);
  });

  it('asks for a row when a folder is new', () => {
    expect(check({ 'src/cloud/a.ts': "import * as z from 'zod';" })[0]?.message).toContain('not in the table');
  });

  it('notices a path that leads nowhere', () => {
    expect(check({ 'src/core/a.ts': "import { b } from './b.js';" })[0]?.message).toContain('no file src/core/b.js');
  });
});

describe('reading imports', () => {
  const specifiers = (text: string): string[] =>
    importsOf({ path: 'src/core/a.ts', text }).map(({ line, specifier }) => `${line} ${specifier}`);

  it('sees every form, with its line', () => {
    const text = [
      "import a, { type B } from 'one';",
      'import {',
      '  c,',
      "} from 'two';",
      "export * from 'three';",
      "export type { D } from 'four';",
      "import 'five';",
      "type E = import('six').E;",
      "const f = await import('seven');",
      "const g = require('eight');",
    ].join('\n');
    const expected = ['1 one', '4 two', '5 three', '6 four', '7 five', '8 six', '9 seven', '10 eight'];
    expect(specifiers(text)).toEqual(expected);
  });

  it('is not taken in by comments or by quotes in them', () => {
    expect(
      specifiers("// import a from 'one';\n/* it's\nimport 'two'; */\nconst url = 'http://x'; import('three');"),
    ).toEqual(['4 three']);
  });

  it('resolves relative paths', () => {
    expect(importsOf({ path: 'src/mcp/tools/a.ts', text: "import '../../core/b.ts';" })[0]?.target).toBe(
      'src/core/b.ts',
    );
  });
});

describe('confined names', () => {
  it.each([
    ['src/config/a.ts', 'process.env.HOME', 'config/settings.ts'],
    ['src/cli/a.ts', 'process.argv.slice(2)', 'main.ts alone'],
    ['src/storage/a.ts', 'const { env } = process', 'main.ts alone'],
    ['src/core/a.ts', 'Date.now()', 'Clock'],
    ['src/mcp/a.ts', 'new Date()', 'Clock'],
    ['src/jobs/a.ts', 'Math.random()', 'Clock'],
    ['src/jobs/a.ts', 'setTimeout(f, 1)', 'Clock'],
    ['src/transports/a.ts', 'globalThis.setInterval(f, 1)', 'Clock'],
    ['src/doitong/a.ts', 'AbortSignal.timeout(5)', 'Clock'],
    ['src/cli/a.ts', 'performance.now()', 'Clock'],
    ['src/core/a.ts', 'const text = `$'.concat('{Date.now()}`'), 'Clock'],
    ['src/mcp/a.ts', "console.error('x')", 'Stdout belongs to the protocol'],
    ['src/runtime/a.ts', "process.stdout.write('x')", 'Stdout belongs to the protocol'],
    ['src/cli/a.ts', 'process.exit(1)', 'exit code'],
    ['src/runtime/a.ts', 'process.exit(1)', 'runtime/shutdown.ts'],
  ])('%s may not contain %s', (path, text, belongs) => {
    const findings = check({ [path]: `\n${text};` });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ path, line: 3 });
    expect(findings[0]?.message).toContain(belongs);
  });

  it('sees the same things through a module', () => {
    const text = "import timers from 'node:timers/promises';\nimport { env } from 'node:process';";
    expect(brief(check({ 'src/storage/a.ts': text }))).toEqual([
      'src/storage/a.ts:3 process.env and process.argv: node:process',
      'src/storage/a.ts:2 time, timers and randomness: node:timers/promises',
    ]);
  });

  it.each([
    ['src/main.ts', 'process.env.HOME; process.argv; process.exit(1)'],
    ['src/runtime/shutdown.ts', 'setTimeout(() => process.exit(0), 1)'],
    ['sandbox/a.ts', 'setTimeout(f, Math.random() * Date.now())'],
    ['src/cli/a.ts', "console.log('x'); process.stdout.write('y')"],
    ['src/core/a.ts', 'new Date(atMs).toISOString()'],
    ['src/core/a.ts', '// Date.now() would jump\nsocket.setTimeout(5)'],
    ['src/core/a.ts', "const remedy = 'not process.exit, not console.log'"],
    ['test/unit/a.test.ts', 'Date.now(); process.env.HOME; console.log(1)'],
  ])('%s may contain %s', (path, text) => {
    expect(check({ [path]: text })).toEqual([]);
  });
});

describe('a file', () => {
  const one = (path: string, text: string): string[] => brief(checkSources([{ path, text }]));

  it('wants one opening sentence in src', () => {
    expect(one('src/core/a.ts', 'export const a = 1;\n')).toEqual(['src/core/a.ts:1 opening: export const a = 1;']);
    expect(one('src/core/a.ts', '/** */\nexport const a = 1;\n')).toHaveLength(1);
    expect(one('src/core/a.ts', '// Owns\n// two lines of it.\nexport const a = 1;\n')).toEqual([]);
    expect(one('src/core/a.ts', '/**\n * Owns\n * more.\n */\nexport const a = 1;\n')).toEqual([]);
    expect(one('test/a.ts', 'export const a = 1;\n')).toEqual([]);
  });

  it('limits the length of files', () => {
    expect(one('src/core/a.ts', OPENING + 'x;\n'.repeat(349))).toEqual([]);
    expect(one('src/core/a.ts', OPENING + 'x;\n'.repeat(350))).toEqual(['src/core/a.ts:351 length: 351 lines']);
    expect(one('test/a.test.ts', 'x;\n'.repeat(500))).toEqual([]);
    expect(one('test/a.test.ts', 'x;\n'.repeat(501))).toEqual(['test/a.test.ts:501 length: 501 lines']);
  });

  it.each(['utils.ts', 'helpers.ts', 'common.ts', 'types.ts'])('refuses a file called %s', (name) => {
    expect(one(`src/core/${name}`, OPENING)).toEqual([`src/core/${name}:1 name: ${name}`]);
    expect(one(`test/support/${name}`, '')).toHaveLength(1);
  });

  it('reports a cycle once, with its path', () => {
    const findings = check({
      'src/core/a.ts': "import './b.ts';",
      'src/core/b.ts': "import type { C } from './c.ts';",
      'src/core/c.ts': "import './a.ts';",
      'src/core/d.ts': "import './a.ts';",
    });
    expect(findings).toHaveLength(1);
    expect(findings[0]?.message).toContain('src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts');
  });
});
