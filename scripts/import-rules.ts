/** The architecture's rules about files, as data and as one pure function over the sources. */

export type SourceFile = { path: string; text: string };
export type Finding = { path: string; line: number; rule: string; offending: string; message: string };

/** What one part of src/ may import. `'*'` allows everything. */
type ImportRule = { src: readonly string[] | '*'; packages: readonly string[] | '*' };

const NODE = 'node:*';
const SERVER_SDK = '@modelcontextprotocol/server';
const EVERYTHING: ImportRule = { src: '*', packages: '*' };

/** By first folder or top-level file under src/, and the sandbox next to it. A part that is missing here is a finding. */
export const IMPORT_TABLE: Readonly<Record<string, ImportRule>> = {
  // Decoding a body (node:zlib) only computes: it reads no file and opens no connection.
  core: { src: [], packages: ['zod', 'node:zlib', 'node:util', 'ipaddr.js'] },
  // Hashing only computes.
  limits: { src: ['core'], packages: ['zod', 'node:crypto'] },
  polling: { src: ['core', 'limits'], packages: ['zod'] },
  network: { src: ['core'], packages: ['undici', 'ipaddr.js', NODE] },
  doitong: { src: ['core', 'network', 'limits'], packages: ['undici', 'zod', 'node:crypto'] },
  storage: { src: ['core'], packages: [NODE] },
  images: { src: ['core', 'network'], packages: [NODE, 'undici', 'ipaddr.js', '@jsquash/*'] },
  runtime: { src: ['core'], packages: [NODE] },
  jobs: { src: ['core', 'limits', 'polling'], packages: [] },
  mcp: { src: ['core', 'limits', 'polling', 'jobs'], packages: [SERVER_SDK, 'zod'] },
  config: { src: ['core', 'limits'], packages: ['zod'] },
  transports: { src: ['core', 'runtime'], packages: [SERVER_SDK, 'node:http', 'node:buffer'] },
  'app.ts': {
    src: ['core', 'config', 'limits', 'polling', 'doitong', 'storage', 'images', 'runtime', 'jobs'],
    packages: [],
  },
  viewer: { src: [], packages: ['@modelcontextprotocol/ext-apps', 'zod'] },
  cli: EVERYTHING,
  'main.ts': EVERYTHING,
  sandbox: { src: [], packages: ['graphql', '@jsquash/*', NODE] },
};

/** Global names that only some places may touch; the text says where the line belongs instead. */
const CONFINED: readonly {
  name: string;
  pattern: RegExp;
  /** Modules that offer the same thing under another name. */
  modules?: RegExp;
  allowed: readonly string[];
  belongs: string;
}[] = [
  {
    name: 'process.env and process.argv',
    pattern: /\bprocess\s*\.\s*(?:env|argv)\b|\bprocess\s*\[|\}\s*=\s*process\b/,
    modules: /^(?:node:)?process$/,
    allowed: ['main.ts'],
    belongs:
      'A flag or a variable is one row in config/settings.ts; main.ts alone reads the environment and hands it on.',
  },
  {
    name: 'time, timers and randomness',
    pattern:
      /\bDate\.now\b|\bnew Date(?:\(\s*\)|(?!\s*\())|\bMath\.random\b|(?:(?<![.\w])|\bglobalThis\.)(?:setTimeout|setInterval)\b|\bperformance\.now\b|\bprocess\.hrtime\b|\bAbortSignal\.timeout\b/,
    modules: /^(?:node:)?(?:timers|perf_hooks)(?:\/|$)/,
    // The page in a host has no port to a clock.
    allowed: ['runtime', 'sandbox', 'viewer'],
    belongs:
      'When to poll is decided in polling/, as a pure function; waiting and the time of day come through the Clock port that runtime/ implements.',
  },
  {
    name: 'console and process.stdout',
    pattern: /(?<![.\w])console\s*\.|\bprocess\s*\.\s*stdout\b/,
    modules: /^(?:node:)?console$/,
    allowed: ['cli', 'transports'],
    belongs: 'Stdout belongs to the protocol: print in cli/, serve in transports/, log through the Log port.',
  },
  {
    name: 'process.exit',
    pattern: /\bprocess\s*\.\s*exit\b/,
    allowed: ['main.ts', 'runtime/shutdown.ts'],
    belongs: 'Return an exit code to main.ts, or end a serving process through runtime/shutdown.ts.',
  },
];

const BANNED_NAMES = new Set(['utils.ts', 'helpers.ts', 'common.ts', 'types.ts']);
const MAX_LINES = { program: 350, test: 500 } as const;

/** "Where does this line go?", by what a foreign package or part is there for. */
const HOMES: readonly (readonly [RegExp, string])[] = [
  [/^@modelcontextprotocol\/server/, 'What is read by a model belongs in mcp/, a transport in transports/.'],
  [/^@modelcontextprotocol\//, 'An MCP client is used by the demo in cli/ and by tests only.'],
  [
    /^undici$/,
    "Sending to the provider belongs in doitong/, fetching a picture's bytes in images/, opening a connection in network/.",
  ],
  [/^graphql/, 'A GraphQL document is text in doitong/; a GraphQL engine runs in sandbox/ only.'],
  [/^@jsquash\//, 'Bytes of pictures belong in images/ (its mirror image: sandbox/).'],
  [/^node:fs/, 'What touches a path belongs in storage/.'],
  [/^node:(?:path|os)/, 'What touches a path belongs in storage/.'],
  [/^node:http/, 'A listener of this program belongs in transports/.'],
  [/^node:/, 'core owns the port, runtime/, storage/ or images/ implement it, app.ts joins them.'],
  [/^zod/, 'Outside data are checked where they come in: config/, doitong/, mcp/, and in core/.'],
  [
    /^src\/doitong/,
    'What knows the wire stays in doitong/: take the port ImageProvider from core/, app.ts joins them.',
  ],
  [
    /^src\/storage/,
    'What touches a path stays in storage/: take the port (JobStore, SharedValues, ImageStore) from core/.',
  ],
  [/^src\/images/, 'Bytes of pictures stay in images/: take the port from core/, app.ts joins them.'],
  [/^src\/runtime/, 'Take the port (Clock, Ids, Log) from core/; app.ts or cli/ hands the implementation over.'],
  [/^src\/config/, 'Take the value as an argument; app.ts and cli/ pick it from the Config.'],
  [/^src\/jobs/, 'Orders are placed and jobs resumed in jobs/, which mcp/ and cli/ call.'],
  [/^src\/mcp/, 'What is read by a model belongs in mcp/; cli/ connects it to a transport.'],
  [/^sandbox/, 'The sandbox is an island: only cli/ may start it.'],
  [/^src\/(?:cli|transports|app\.ts|main\.ts)/, 'The outside calls the inside, never the other way round.'],
];

/** Every breach of the rules in `files`, whose paths are relative to the repository and use slashes. */
export function checkSources(files: readonly SourceFile[]): Finding[] {
  const known = new Set(files.map(({ path }) => path));
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [
    ...files.flatMap((file) => [...fileProblems(file), ...confined(file, imports.get(file.path) ?? [])]),
    ...[...imports].flatMap(([path, list]) => list.flatMap((one) => forbidden(path, one, known))),
    ...cycles(imports),
  ];
}

export type Import = { line: number; specifier: string /** As a path when it points to a file. */; target?: string };

const IMPORT = new RegExp(
  [
    String.raw`(?:^|[\s;}])(?:import|export)\s+(?:type\s+)?(?:[\w*{},\s$]+?\s+)?from\s*['"](?<from>[^'"]+)['"]`,
    String.raw`(?:^|[\s;}])import\s*['"](?<bare>[^'"]+)['"]`,
    String.raw`\b(?:import|require)\s*\(\s*['"${'`'}](?<called>[^'"${'`'}]+)['"${'`'}]`,
  ].join('|'),
  'g',
);

/** Static, dynamic, re-exporting and type-only imports alike: a type ties two parts together as well. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const code = blankComments(text);
  return [...code.matchAll(IMPORT)].map((match) => {
    const { from, bare, called } = match.groups ?? {};
    const specifier = from ?? bare ?? called ?? '';
    const line = lineAt(code, match.index + match[0].lastIndexOf(specifier));
    return specifier.startsWith('.') ? { line, specifier, target: resolve(path, specifier) } : { line, specifier };
  });
}

function forbidden(path: string, { line, specifier, target }: Import, known: ReadonlySet<string>): Finding[] {
  const part = partOf(path);
  if (part === undefined) return [];
  const finding = (rule: string, message: string): Finding[] => [{ path, line, rule, offending: specifier, message }];
  const row = IMPORT_TABLE[part];
  if (!row) {
    return finding('import table', `src/${part} is not in the table: add it to the architecture page and to scripts/.`);
  }
  if (target === undefined) {
    if (row.packages === '*' || row.packages.some((allowed) => covers(allowed, specifier))) return [];
    const may = row.packages.length === 0 ? 'no package' : row.packages.join(', ');
    return finding('import table', `${part} may import ${may}. ${home(specifier)}`);
  }
  const other = partOf(target);
  if (other === undefined) return finding('import table', 'src/ and sandbox/ import nothing from other folders.');
  if (!known.has(target)) return finding('import table', `There is no file ${target}; imports name the .ts file.`);
  if (other === part || row.src === '*' || row.src.includes(other)) return [];
  const may = row.src.length === 0 ? 'nothing from src' : row.src.join(', ');
  return finding('import table', `${part} may import ${may}. ${home(target)}`);
}

function confined(file: SourceFile, imports: readonly Import[]): Finding[] {
  if (partOf(file.path) === undefined) return [];
  const inside = file.path.replace(/^src\//, '');
  const code = blankStrings(blankComments(file.text));
  return CONFINED.flatMap(({ name: rule, pattern, modules, allowed, belongs: message }) => {
    if (allowed.some((part) => inside === part || inside.startsWith(`${part}/`))) return [];
    const uses = [...code.matchAll(new RegExp(pattern, 'g'))].map((match) => ({
      line: lineAt(code, match.index),
      offending: match[0],
    }));
    const detours = imports
      .filter(({ specifier }) => modules?.test(specifier))
      .map(({ line, specifier }) => ({ line, offending: specifier }));
    return [...uses, ...detours].map((found) => ({ path: file.path, rule, message, ...found }));
  });
}

function fileProblems({ path, text }: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const add = (line: number, rule: string, offending: string, message: string): void => {
    findings.push({ path, line, rule, offending, message });
  };
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (BANNED_NAMES.has(name)) {
    add(1, 'name', name, 'It belongs in the folder of its only user; with two users, in core/ under a real name.');
  }
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const isProgram = partOf(path) !== undefined;
  const limit = path.startsWith('test/') ? MAX_LINES.test : isProgram ? MAX_LINES.program : undefined;
  if (limit !== undefined && lines > limit) {
    add(limit + 1, 'length', `${lines} lines`, `More than ${limit} lines: split the file by what its parts own.`);
  }
  if (isProgram && !opensWithSentence(text)) {
    add(
      1,
      'opening',
      text.split('\n', 1)[0] ?? '',
      'A file opens with one sentence, in a comment, that says what it owns.',
    );
  }
  return findings;
}

/** One sentence: a capital or a name first, one full stop at the end, in a block or in line comments. */
function opensWithSentence(text: string): boolean {
  const start = text.replace(/^#!.*\n/, '');
  const block = /^\/\*\*\s*([\s\S]*?)\s*\*\//.exec(start)?.[1]?.replaceAll(/\n\s*\* ?/g, ' ');
  const lines = /^(?:\/\/ ?.*\n)+/.exec(start)?.[0].replaceAll(/^\/\/ ?/gm, '');
  return /^\S[\s\S]*[.:]\s*$/.test((block ?? lines ?? '').trim());
}

/** Each cycle once, reported at the import that closes it. */
function cycles(imports: ReadonlyMap<string, readonly Import[]>): Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    for (const { line, specifier, target } of imports.get(path) ?? []) {
      if (target === undefined || !imports.has(target)) continue;
      const from = trail.indexOf(target);
      if (from >= 0) {
        const message = `Import cycle: ${[...trail.slice(from), target].join(' → ')}. Move what both need into a file of its own.`;
        findings.push({ path, line, rule: 'cycle', offending: specifier, message });
      } else if (!done.has(target)) visit(target, [...trail, target]);
    }
    done.add(path);
  };
  for (const path of imports.keys()) if (!done.has(path)) visit(path, [path]);
  return findings;
}

/** The first folder or file under src/, or the sandbox; undefined for everything else. */
function partOf(path: string): string | undefined {
  const match = /^(?:src\/([^/]+)|(sandbox)(?=\/))/.exec(path);
  return match?.[1] ?? match?.[2];
}

/** `name` allows `name` and `name/sub`; `name*` allows whatever starts like it. */
function covers(allowed: string, specifier: string): boolean {
  if (allowed.endsWith('*')) return specifier.startsWith(allowed.slice(0, -1));
  return specifier === allowed || specifier.startsWith(`${allowed}/`);
}

function home(target: string): string {
  return (
    HOMES.find(([pattern]) => pattern.test(target))?.[1] ?? 'See "Where does this line go?" in docs/architecture.md.'
  );
}

function resolve(from: string, specifier: string): string {
  const path = from.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') path.pop();
    else if (step !== '.') path.push(step);
  }
  return path.join('/');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[=(,:[!&|?{};+\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/g;

/** Comments become spaces, so that line numbers stay the same; strings and patterns are skipped whole. */
function blankComments(text: string): string {
  return text.replaceAll(TOKEN, (token) => (/^\/[/*]/.test(token) ? token.replaceAll(/[^\n]/g, ' ') : token));
}

/** Plain strings become spaces; a template stays, because code may stand in it. */
function blankStrings(code: string): string {
  return code.replaceAll(TOKEN, (token) => (/^['"]/.test(token) ? token.replaceAll(/[^'"\n]/g, ' ') : token));
}
