/** What is no key is never sent, and the answer says what is wrong; `doctor` says the same. */
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Home, unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';
import { startScriptedService } from '../support/scripted-service.ts';

const packed = await unpackPackage();
const service = await startScriptedService();
afterAll(async () => {
  await packed.close();
  await service.close();
});

let home: Home;
beforeEach(async () => {
  home = await packed.newHome();
});

const ORDER = { prompt: 'A kite', width: 256, height: 256 };
const SECRET = 'dt_live_12345678';

/** Asks the server, then `doctor`, with the same settings. */
async function askBoth(env: Record<string, string>): Promise<{ answer: string; isError: boolean; doctor: string }> {
  const before = service.requests.length;
  const { DOITONG_API_KEY: _, ...rest } = service.env;
  const options = { home, env: { ...rest, ...env } };
  const program = await packed.start([], options);
  const host = new RawHost(program);
  await host.handshake();
  expect(await host.toolNames()).toContain('generate_image');
  const answer = await host.call('generate_image', ORDER);
  program.child.stdin.end();
  await program.exit;
  expect(service.requests.length).toBe(before);
  const doctor = await packed.start(['doctor'], options);
  expect((await doctor.exit).code).toBe(1);
  expect(doctor.stdout() + doctor.stderr() + textOf(answer) + program.stderr()).not.toContain('12345678');
  const line = /^FAIL {2}key .*$/mu.exec(doctor.stdout())?.[0] ?? doctor.stdout() + doctor.stderr();
  return { answer: textOf(answer), isError: answer.isError ?? false, doctor: line };
}

describe('in the place of the key', () => {
  it.each([
    [`\${input:doitong-key}`, `The host did not fill in \${input:doitong-key}`],
    [`\${env:DOITONG_API_KEY}`, `The host did not fill in \${env:DOITONG_API_KEY}`],
    [`\${DOITONG_API_KEY}`, `The host did not fill in \${DOITONG_API_KEY}`],
    ['$DOITONG_API_KEY', 'The host did not fill in $DOITONG_API_KEY'],
    ['%DOITONG_API_KEY%', 'The host did not fill in %DOITONG_API_KEY%'],
    ['{{api_key}}', 'The host did not fill in {{api_key}}'],
    ['<your-api-key>', 'contains "<your-api-key>", an example in place of a key'],
    ['YOUR_API_KEY', 'contains "YOUR_API_KEY", an example in place of a key'],
    ['undefined', 'contains "undefined", an example in place of a key'],
    ['null', 'contains "null", an example in place of a key'],
    [`"${SECRET}"`, 'DOITONG_API_KEY contains quotation marks'],
    [`DOITONG_API_KEY=${SECRET}`, 'DOITONG_API_KEY contains a whole line of the form NAME=key'],
    [`op://vault/${SECRET}/key`, 'DOITONG_API_KEY contains a reference (op://…)'],
    [`{"apiKey":"${SECRET}"}`, 'DOITONG_API_KEY contains JSON'],
    [`Bearer ${SECRET}`, 'DOITONG_API_KEY contains a whole header'],
  ])('%s is named, and nothing is sent', async (key, words) => {
    const { answer, isError, doctor } = await askBoth({ DOITONG_API_KEY: key });
    expect(isError).toBe(true);
    expect(answer).toContain(words);
    expect(answer).toContain('No credits were spent.');
    expect(answer).toContain('Next: Ask the user to');
    expect(doctor).toContain(words);
  });

  it.each(['', `\${user_config.api_key}`])('%j is as good as nothing', async (key) => {
    const { answer, doctor } = await askBoth({ DOITONG_API_KEY: key });
    expect(answer).toContain('No API key');
    expect(doctor).toContain('no key is set');
  });
});

describe('the key file', () => {
  it.each([
    ['several lines', `${SECRET}\n${SECRET}\n`, 'contains several lines'],
    ['a line of a shell', `export DOITONG_API_KEY=${SECRET}\n`, 'contains a whole line of the form NAME=key'],
    ['JSON', `{\n  "apiKey": "${SECRET}"\n}\n`, 'contains JSON'],
    ['nothing', '', 'is empty'],
    ['UTF-16', Buffer.from(`\uFEFF${SECRET}\r\n`, 'utf16le'), 'looks like UTF-16'],
    ['too much', 'x'.repeat(20_000), 'is larger than 10000 bytes'],
    ['a placeholder', `\${input:doitong-key}`, `did not fill in \${input:doitong-key}`],
  ] as const)('with %s in it is named, and nothing is sent', async (_, content, words) => {
    const file = join(home.folder, 'key');
    await writeFile(file, content);
    await chmod(file, 0o600);
    const { answer, isError, doctor } = await askBoth({ DOITONG_API_KEY_FILE: file });
    expect(isError).toBe(true);
    expect(answer).toContain(words);
    expect(answer).toContain(file);
    expect(doctor).toContain(words);
  });

  it('that is a folder or a pipe is named, and nobody waits for it', async () => {
    const pipe = join(home.folder, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    for (const file of [home.cwd, pipe]) {
      const { answer, doctor } = await askBoth({ DOITONG_API_KEY_FILE: file });
      expect(answer).toContain('is not a file but a folder, a pipe or a device');
      expect(doctor).toContain('is not a file but a folder, a pipe or a device');
    }
  });

  it('of Windows is read: a byte order mark and CRLF are no part of the key', async () => {
    const file = join(home.folder, 'key');
    await writeFile(file, `\uFEFF${SECRET}\r\n`);
    const { DOITONG_API_KEY: _, ...rest } = service.env;
    const program = await packed.start([], { home, env: { ...rest, DOITONG_API_KEY_FILE: file } });
    const host = new RawHost(program);
    await host.handshake();
    await host.call('generate_image', ORDER);
    const order = service.requests.find(({ kind }) => kind === 'submit');
    expect(order?.headers.authorization).toBe(`Bearer ${SECRET}`);
  });
});

describe('in another setting', () => {
  it.each([
    [{ DOITONG_API_URL: `\${input:url}` }, `DOITONG_API_URL: the host did not fill in \${input:url}`],
    [{ FLUX_OUTPUT_DIR: `\${workspaceFolder}/x` }, `FLUX_OUTPUT_DIR: the host did not fill in \${workspaceFolder}`],
    [{ FLUX_STATE_DIR: '~/{{name}}' }, 'FLUX_STATE_DIR: the host did not fill in {{name}}'],
    [
      { DOITONG_WEBHOOK_SECRET: `\${input:secret}` },
      `DOITONG_WEBHOOK_SECRET: the host did not fill in \${input:secret}`,
    ],
  ])('a placeholder is a problem that names it: %j', async (env, words) => {
    const program = await packed.start([], { home, env: { ...service.env, ...env } });
    expect((await program.exit).code).toBe(2);
    expect(program.stderr()).toContain(words);
    expect(program.stdout()).toBe('');
  });
});
