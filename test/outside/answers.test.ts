/** Answers that proxies and services give without being asked to: packed, with huge headers, in a hurry, or untrusted. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG } from '../support/pictures.ts';
import { RawHost, textOf } from '../support/raw-host.ts';
import { type ScriptedAnswer, startScriptedService } from '../support/scripted-service.ts';
import { startTlsFront } from '../support/tls-front.ts';

const packed = await unpackPackage();
let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await packed.close();
  await authority.close();
});

const job = (more: Record<string, unknown>): string => JSON.stringify({ data: { job: { id: 'remote-1', ...more } } });

/** @param wait how long to wait for an order that is sent again in the background */
async function order(env: Record<string, string>, wait: { wait_seconds?: number } = {}) {
  const program = await packed.start([], { env });
  const host = new RawHost(program);
  const { result } = await host.handshake();
  const answer = await host.call('generate_image', { prompt: 'a heron', width: 256, height: 256, ...wait });
  return { host, program, text: textOf(answer), instructions: String(result?.instructions) };
}

async function serviceOf(answer: (body: string, kind: 'submit' | 'status') => ScriptedAnswer) {
  const service = await startScriptedService({
    submit: () => answer(job({ status: 'processing' }), 'submit'),
    status: (_, origin) => answer(job({ status: 'completed', url: `${origin}/1.jpg`, creditCost: 10 }), 'status'),
    picture: () => ({ body: LIGHT_JPEG }),
  });
  closing.push(service.close);
  return service;
}

describe('an answer that came packed', () => {
  it.each<[string, (body: string) => Uint8Array]>([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['X-GZIP', gzipSync],
    ['deflate, gzip', (body) => gzipSync(deflateRawSync(body))],
  ])('as %s is read', async (encoding, pack) => {
    const service = await serviceOf((body) => ({ headers: { 'content-encoding': encoding }, body: pack(body) }));
    expect((await order(service.env)).text).toContain('The picture is finished and saved.');
    expect(service.requests.map(({ kind }) => kind)).toEqual(['submit', 'status', 'picture']);
  });

  it('and grows beyond every bound is not read to its end: the order stays one, under one key', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000_000, ' '));
    const service = await serviceOf(() => ({ headers: { 'content-encoding': 'gzip' }, body: bomb }));
    expect((await order(service.env, { wait_seconds: 5 })).text).toContain('may have been');
    const keys = service.requests.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(1);
  });
});

describe('an answer with headers', () => {
  it.each([20_000, 100_000])('of %s bytes is read, and the order was sent once', async (bytes) => {
    const service = await serviceOf((body) => ({ headers: { 'x-policy': 'x'.repeat(bytes) }, body }));
    expect((await order(service.env)).text).toContain('The picture is finished and saved.');
    expect(service.requests.filter(({ kind }) => kind === 'submit')).toHaveLength(1);
  });

  it('beyond every bound leaves one order of unknown outcome', async () => {
    const headers = { 'x-policy': 'x'.repeat(400_000) };
    const service = await serviceOf((body, kind) => (kind === 'submit' ? { headers, body } : { body }));
    const { text } = await order(service.env, { wait_seconds: 5 });
    expect(text).toContain('headers that are too long to be read');
    expect(service.requests.filter(({ kind }) => kind === 'submit')).toHaveLength(1);
  });
});

describe('a certificate', () => {
  const startSecure = async (name: string, options: { expired?: boolean } = {}) => {
    const service = await serviceOf((body) => ({ body }));
    const front = await startTlsFront(service.url, await authority.issue(name, options));
    closing.push(front.close);
    return { service, front, env: { ...service.env, DOITONG_API_URL: `https://localhost:${front.port}` } };
  };

  it.each<[string, string, { expired?: boolean }, Record<string, string>]>([
    ['of an authority that is not known', 'localhost', {}, {}],
    ['of another name', 'other.test', {}, { trusted: 'yes' }],
    ['that has expired', 'localhost', { expired: true }, { trusted: 'yes' }],
  ])('%s is refused, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async (_, name, options, { trusted }) => {
    const { service, front, env } = await startSecure(name, options);
    const extra = trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority.file };
    const { text } = await order({ ...env, ...extra, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(text).toContain('the certificate of localhost');
    expect(text).toContain('No credits were spent');
    expect(service.requests).toEqual([]);
    expect(front.received()).toBe('');
  });

  it('of an authority that NODE_EXTRA_CA_CERTS names is taken', async () => {
    const { service, env } = await startSecure('localhost');
    await order({ ...env, NODE_EXTRA_CA_CERTS: authority.file });
    expect(service.requests[0]?.kind).toBe('submit');
  });

  it('that nobody verifies makes doctor fail', async () => {
    const service = await serviceOf((body) => ({ body }));
    const program = await packed.start(['doctor'], { env: { ...service.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    expect((await program.exit).code).toBe(1);
    expect(program.stdout()).toMatch(/^FAIL {2}certificates +NODE_TLS_REJECT_UNAUTHORIZED=0 is set.*NODE_EXTRA_CA/mu);
  });
});

describe('another origin than the default', () => {
  it('is named in the instructions, in the first result alone, in the log and by doctor', async () => {
    const service = await serviceOf((body) => ({ body }));
    const { host, program, text, instructions } = await order(service.env);
    expect(instructions).toContain(`DOITONG_API_URL sends orders and the key to ${service.url}`);
    expect(text).toContain(`sends orders and the key to ${service.url}`);
    expect(textOf(await host.call('list_jobs', {}))).not.toContain('sends orders and the key to');
    expect(program.stderr()).toContain(service.url);
    const doctor = await packed.start(['doctor'], { env: service.env });
    await doctor.exit;
    expect(doctor.stdout()).toMatch(/^ok {4}origin +http:.*as set by DOITONG_API_URL/mu);
  });

  it('is not said of the built-in sandbox', async () => {
    const program = await packed.start(['serve', '--sandbox'], { env: {} });
    const host = new RawHost(program);
    const { result } = await host.handshake();
    expect(JSON.stringify(result)).not.toContain('DOITONG_API_URL');
    expect(JSON.stringify(await host.call('list_jobs', {}))).not.toContain('DOITONG_API_URL');
  });
});

describe('a name with several addresses', () => {
  it('is reached at the one where somebody listens', async () => {
    // Where `localhost` has both, ::1 comes first and nobody is there.
    const service = await serviceOf((body) => ({ body }));
    const url = service.url.replace('127.0.0.1', 'localhost');
    await order({ ...service.env, DOITONG_API_URL: url });
    expect(service.requests[0]?.kind).toBe('submit');
  });
});
