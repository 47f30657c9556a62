/** Proves how a command is found, and which exit code and stream every outcome uses. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { run } from '../../../src/cli/run.ts';
import { VERSION } from '../../../src/runtime/packaged.ts';

let out: string[];
let err: string[];

beforeEach(() => {
  out = [];
  err = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const start = (argv: string[], env: Record<string, string> = {}): Promise<number> =>
  run({ argv, env, program: '/dist/main.js' });

describe('run', () => {
  it.each([['paint'], [''], ['paint', '--help']])('refuses an unknown command: %j', async (...argv) => {
    expect(await start(argv)).toBe(2);
    expect(out).toEqual([]);
    const known = COMMANDS.map((command) => command.name).join(', ');
    expect(err.join('')).toBe(
      `flux-pro-mcp: unknown command ${JSON.stringify(argv[0])}. Allowed: ${known}. See flux-pro-mcp --help.\n`,
    );
  });

  it.each([
    ['Serve', 'serve'],
    ['jbos', 'jobs'],
  ])('guesses which command was meant by %s', async (typed, meant) => {
    expect(await start([typed])).toBe(2);
    expect(err.join('')).toBe(
      `flux-pro-mcp: unknown command "${typed}". Did you mean ${meant}? See flux-pro-mcp --help.\n`,
    );
  });

  it('serves when no command is named, so a bad flag is one of serve', async () => {
    expect(await start(['--colour'])).toBe(2);
    expect(err.join('')).toMatch(/^flux-pro-mcp: serve has no flag --colour\./u);
    expect(out).toEqual([]);
  });

  it('refuses bad settings before anything is opened, one line for each', async () => {
    expect(await start(['serve', '--plan', 'gold'], { FLUX_LOG_LEVEL: 'loud' })).toBe(2);
    expect(err.join('').split('\n')).toEqual([
      'flux-pro-mcp: the settings are not valid.',
      expect.stringContaining('  --plan (DOITONG_PLAN): "gold" is not allowed.'),
      expect.stringContaining('  FLUX_LOG_LEVEL: "loud" is not allowed.'),
      '',
    ]);
    expect(out).toEqual([]);
  });

  it.each([
    ['sandbox', '--port', '65536'],
    ['sandbox', '--port', '1e3'],
    ['sandbox', '--plan', 'gold'],
  ])("refuses bad values of a command's own flags: %s %s %s", async (...argv) => {
    expect(await start(argv)).toBe(2);
    expect(err.join('')).toContain(`${argv[1]}: "${argv[2]}" is not allowed. Allowed: `);
  });

  it.each([['--help'], ['-h'], ['help'], ['help', '--help']])('prints the whole help for %s', async (...argv) => {
    expect(await start(argv)).toBe(0);
    expect(out.join('')).toContain('Commands:');
    expect(err).toEqual([]);
  });

  it.each(COMMANDS.map((command) => command.name))('prints the help of %s without loading it', async (name) => {
    for (const argv of [
      [name, '--help'],
      [name, '-h'],
      ['help', name],
    ]) {
      out = [];
      expect(await start(argv)).toBe(0);
      expect(out.join('')).toMatch(new RegExp(`^flux-pro-mcp ${name}: `, 'u'));
    }
  });

  it('prints the version, even where the settings are bad', async () => {
    expect(await start(['--version'], { DOITONG_PLAN: 'gold' })).toBe(0);
    expect(await start(['demo', '--version'])).toBe(0);
    expect(out).toEqual([`${VERSION}\n`, `${VERSION}\n`]);
  });
});
