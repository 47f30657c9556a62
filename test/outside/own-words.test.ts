/** The program's own arguments and settings: refused in words that a terminal can show, and never trusting strangers. */
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

async function endOf(args: readonly string[], env: Record<string, string> = {}) {
  const program = await packed.start(args, { env: { DOITONG_API_KEY: 'a-key-of-a-test', ...env } });
  program.child.stdin.end();
  const { code } = await program.exit;
  return { code, said: program.stderr() + program.stdout() };
}

// What can move the cursor, hide words or turn them around; JSON escapes only the first of them.
const ESCAPES = '\u001b[2J\u009b31m\u202e\u2066\u200b\u0007\r';

describe('the terminal', () => {
  it.each([
    ['a command', [`no${ESCAPES}`]],
    ['a flag', [`--no${ESCAPES}`]],
    ['the value of a flag', [`--plan=no${ESCAPES}`]],
    ['a switch with a value', [`--sandbox=no${ESCAPES}`]],
    ['the word of a command', ['jobs', `no${ESCAPES}`]],
    ['an id', ['jobs', 'show', `no${ESCAPES}`]],
    ['a status', ['jobs', 'list', `--status=no${ESCAPES}`]],
    ['a number', ['jobs', 'list', `--limit=no${ESCAPES}`]],
    ['a port of the sandbox', ['sandbox', `--port=no${ESCAPES}`]],
    ['a scenario of the sandbox', ['sandbox', `--scenario=no${ESCAPES}`]],
    ['a folder', ['jobs', 'list', `--state-dir=/tmp/no${ESCAPES}`]],
    ['help for nothing', ['help', `no${ESCAPES}`]],
  ])('is not controlled by %s', async (_, args) => {
    const { said } = await endOf(args);
    expect(said.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('is not filled by one long argument', async () => {
    const { said, code } = await endOf(['x'.repeat(100_000)]);
    expect(code).toBe(2);
    expect(said.length).toBeLessThan(10_000);
  });
});

describe('what the program says of its own settings', () => {
  it('shows the form of a proxy with a user, and takes no example for a secret', async () => {
    const { code, said } = await endOf([], { HTTPS_PROXY: 'socks5://127.0.0.1:1080' });
    expect(code).toBe(2);
    expect(said).toContain('Allowed: [USER:PASSWORD@]HOST[:PORT]');
    expect(said).not.toContain('[redacted]');
  });

  it('speaks to the user in whole orders', async () => {
    const { said } = await endOf(['doctor'], { HOME: 'nowhere', DOITONG_API_URL: 'http://127.0.0.1:9' });
    expect(said).toContain('as absolute paths, and restart the server.');
  });

  it.each(['--x\nFAKE LINE', '--x\u2028FAKE LINE'])('keeps an unknown flag on one line', async (flag) => {
    const { code, said } = await endOf(['serve', flag]);
    expect(code).toBe(2);
    expect(said.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('DOITONG_DOWNLOAD_HOSTS', () => {
  it.each([
    'com',
    'localhost',
    'intranet',
    'co.uk',
    'github.io',
    's3.amazonaws.com',
    'cloudfront.net',
    'cdn.doitong.com,com.au',
    '*.example.com',
    'cdn.example.com.',
    'cdn.example.com:8443',
    'https://cdn.example.com',
    'cdn.example.com/outputs',
    '10.0.0.1',
    '[fd00::1]',
    'COM',
  ])('refuses %s, and says what is allowed', async (hosts) => {
    const { code, said } = await endOf([], { DOITONG_DOWNLOAD_HOSTS: hosts });
    expect(code).toBe(2);
    expect(said).toContain('DOITONG_DOWNLOAD_HOSTS');
    expect(said).toContain('Allowed: full host names such as cdn.example.com');
  });

  it.each(['cdn.doitong.com', 'images.example.co.uk', 'me.github.io', 'bucket.s3.amazonaws.com,CDN.example.org'])(
    'takes %s',
    async (hosts) => {
      expect(await endOf([], { DOITONG_DOWNLOAD_HOSTS: hosts })).toEqual({ code: 0, said: '' });
    },
  );
});
