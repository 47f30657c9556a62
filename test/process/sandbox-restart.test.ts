/** The built-in sandbox goes on after its program was killed, as the service does, and the demo leaves nothing behind. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Home, unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

/** `serve --sandbox` in this home, and its host. */
async function serve(home: Home) {
  const program = await packed.start(['serve', '--sandbox'], { home });
  const host = new RawHost(program);
  await host.handshake();
  return { program, host };
}

describe.concurrent('serve --sandbox', () => {
  it('finds and finishes the picture of a program that was killed while it was made', async () => {
    const home = await packed.newHome();
    const first = await serve(home);
    const ordered = textOf(
      await first.host.call('generate_image', { prompt: 'Two herons', width: 512, height: 256, wait_seconds: 2 }),
    );
    const [, jobId = ''] = /\b(job_\w+)/.exec(ordered) ?? [];
    expect(jobId, ordered).not.toBe('');
    first.program.child.kill('SIGKILL');
    await first.program.exit;

    const second = await serve(home);
    const result = await second.host.call('get_job_status', { job_id: jobId, wait_seconds: 45 });
    const text = textOf(result);
    expect(result, text).not.toMatchObject({ isError: true });
    const [, file = ''] = /^File: (.+)$/m.exec(text) ?? [];
    expect(file, text).not.toBe('');
    expect(await decodeJpeg(await readFile(file)), text).toMatchObject({ width: 512, height: 256 });
    second.program.child.stdin.end();
    expect(await second.program.exit).toMatchObject({ code: 0 });
    const kept = JSON.parse(await readFile(join(stateOf(home), 'sandbox', 'service.json'), 'utf8'));
    expect(kept.jobs).toMatchObject([{ submission: { prompt: 'Two herons' }, creditCost: 10 }]);
  });
});

describe.concurrent('the demo', () => {
  it('leaves its picture and nothing else', async () => {
    const home = await packed.newHome();
    const program = await packed.start(['demo'], { home, env: { FLUX_STATE_DIR: join(home.folder, 'own-state') } });
    expect(await program.exit).toMatchObject({ code: 0 });
    expect(await readdir(home.folder)).not.toContain('own-state');
    for (const name of ['TMPDIR', 'XDG_STATE_HOME']) expect(await readdir(home.env[name] ?? '')).toEqual([]);
  });
});

const stateOf = (home: Home): string => join(home.env.XDG_STATE_HOME ?? '', 'flux-pro-mcp');
