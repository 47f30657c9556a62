/** The packed sandbox command with scenarios: chosen by flags, listed in its help, refused before it listens. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxState } from '../../sandbox/sandbox.ts';
import { SCENARIOS } from '../../sandbox/scenarios.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

type FirstLine = { url: string; key: string; webhookSecret?: string };

async function startService(...flags: string[]): Promise<{ program: RunningProgram; reported: FirstLine }> {
  const program = await packed.start(['sandbox', ...flags]);
  while (!program.stdout().includes('\n')) {
    await new Promise((resolve, reject) => {
      program.child.stdout.once('data', resolve);
      program.child.once('close', () => reject(new Error(`the sandbox ended: ${program.stderr()}`)));
    });
  }
  return { program, reported: JSON.parse(program.stdout()) as FirstLine };
}

async function stop(program: RunningProgram): Promise<void> {
  program.child.kill('SIGTERM');
  expect(await program.exit).toMatchObject({ code: 0, signal: null });
  expect(program.stdout().split('\n')).toHaveLength(2);
  expect(program.stderr()).toBe('');
}

/** An order by REST. @returns the status, and the job's id */
async function order({ url, key }: FirstLine, more: object = {}): Promise<{ status: number; id: string }> {
  const body = JSON.stringify({ service: 'flux-pro', prompt: 'a heron', width: 256, height: 256, ...more });
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/text_to_image`, { method: 'POST', headers, body });
  const { id } = (await response.json()) as { id: string };
  return { status: response.status, id };
}

describe.concurrent('scenarios by flags', () => {
  it('are combined, and a served program gets its picture through them, charged once', async () => {
    const flags = ['--scenario', 'rate-limited', '--scenario=shouting-status', '--seed', 'x', '--job-seconds', '1'];
    const { program: service, reported } = await startService(...flags);
    expect(Object.keys(reported)).toEqual(['url', 'key']);
    const env = { DOITONG_API_URL: reported.url, DOITONG_API_KEY: reported.key };
    const program = await packed.start(['serve'], { env });
    const host = new RawHost(program);
    await host.handshake();
    const result = await host.call('generate_image', { prompt: 'Two herons', width: 512, height: 256 });
    const text = textOf(result);
    expect(result, text).not.toMatchObject({ isError: true });
    const [, file = ''] = /^File: (.+)$/m.exec(text) ?? [];
    expect(await decodeJpeg(await readFile(file))).toMatchObject({ width: 512, height: 256 });
    program.child.stdin.end();
    expect(await program.exit).toMatchObject({ code: 0 });

    const state = (await (
      await fetch(`${reported.url}/sandbox/state`, { headers: { 'x-api-key': reported.key } })
    ).json()) as SandboxState;
    expect(state.charges).toHaveLength(1);
    expect(state.faults).toMatchObject([{ scenario: 'rate-limited' }]);
    const seen = await fetch(`${reported.url}/v1/text_to_image/${state.jobs[0]?.id}`, {
      headers: { 'x-api-key': reported.key },
    });
    expect(await seen.json()).toMatchObject({ status: 'SUCCEEDED' });
    await stop(service);
  });

  it('inject their faults in the order of the flags', async () => {
    const flags = ['--scenario', 'rate-limited', '--scenario', 'error-before-charge', '--job-seconds', '0'];
    const { program, reported } = await startService(...flags);
    const statuses: number[] = [];
    for (let time = 0; time < 3; time++) statuses.push((await order(reported)).status);
    expect(statuses).toEqual([429, 500, expect.toSatisfy((status: number) => status < 300)]);
    await stop(program);
  });

  it('with the same seed come out the same again', async () => {
    const ids: string[] = [];
    for (const seed of ['one', 'one', 'two']) {
      const { program, reported } = await startService('--seed', seed, '--scenario', 'expired-url');
      ids.push((await order(reported)).id);
      await stop(program);
    }
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('that send webhooks print their secret behind url and key, and sign with it', async () => {
    const { program, reported } = await startService('--scenario', 'webhooks-twice', '--job-seconds', '0');
    expect(Object.keys(reported)).toEqual(['url', 'key', 'webhookSecret']);
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const received = new Promise<{ signature: unknown; body: string }>((resolve) => {
      listener.on('request', async (request, response) => {
        let body = '';
        for await (const chunk of request.setEncoding('utf8')) body += chunk;
        response.end();
        resolve({ signature: request.headers['x-doitong-signature'], body });
      });
    });
    await order(reported, { webhookUrl: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/` });
    const { signature, body } = await received;
    const mac = createHmac('sha256', reported.webhookSecret ?? '')
      .update(body)
      .digest('hex');
    expect(signature).toBe(`sha256=${mac}`);
    await stop(program);
    listener.close();
  });
});

describe.concurrent('a choice that makes no sense', () => {
  it.each([
    [['--scenario', 'moderated', '--scenario', 'slow', '--scenario', 'failing'], '"moderated"', '"failing"'],
    [['--scenario', 'slow', '--scenario', 'lost-replies'], '"lost-replies"', 'lost-reply, truncated-reply'],
    [['--scenario='], '""', 'lost-reply, truncated-reply'],
    [['--scenario'], '--scenario', 'needs a value'],
    [['--seed', 'x', '--seed', 'y'], '--seed', 'twice'],
    [['--webhook-secret', 'open-sesame'], '--webhook-secret', '--scenario'],
  ])('is refused by name, and nothing listens: %j', async (flags, ...says) => {
    const program = await packed.start(['sandbox', ...flags]);
    expect(await program.exit).toMatchObject({ code: 2, signal: null });
    for (const part of says) expect(program.stderr()).toContain(part);
    expect(program.stderr()).toMatch(/^flux-pro-mcp: [^\n]+\n$/);
    expect(program.stderr()).not.toContain('open-sesame');
    expect(program.stdout()).toBe('');
  });
});

describe('help', () => {
  it.each([[['sandbox', '--help']], [['help', 'sandbox']]])('%j lists the scenarios', async (args) => {
    const program = await packed.start(args);
    expect(await program.exit).toMatchObject({ code: 0, signal: null });
    const text = program.stdout().replace(/\s+/g, ' ');
    for (const { name, group, sentence } of SCENARIOS) {
      expect(text).toContain(` ${name} ${sentence}`);
      expect(text).toContain(`Scenarios: ${group}: `);
    }
    expect(program.stderr()).toBe('');
  });

  it('of other commands, like every other start, does without their table', async () => {
    // What the start file loads once it knows that Node is new enough.
    const atStart = await filesAtStart(join(dirname(packed.main), 'program.js'));
    expect(atStart.size).toBeGreaterThan(1);
    const holding = [...atStart].filter(([, code]) => code.includes('shouting-status')).map(([file]) => file);
    expect(holding).toEqual([]);
  });
});

/** A file and all that it loads before it runs, with their code. */
async function filesAtStart(file: string, found = new Map<string, string>()): Promise<Map<string, string>> {
  const code = await readFile(file, 'utf8');
  found.set(file, code);
  for (const [, path = ''] of code.matchAll(/(?:^|[;}\n])(?:import|export)[^;()]*?"(\.\/[^"]+\.js)"/g)) {
    const next = join(dirname(file), path);
    if (!found.has(next)) await filesAtStart(next, found);
  }
  return found;
}
