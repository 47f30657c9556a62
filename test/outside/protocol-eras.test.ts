/** What protocol 2026-07-28 asks of each request, and how a connection finds its era. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { envelope, RawHost } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

let program: RunningProgram;
let host: RawHost;

async function start(): Promise<void> {
  program = await packed.start(['serve', '--sandbox']);
  host = new RawHost(program);
}

afterEach(() => program.child.kill('SIGKILL'));

const UNSUPPORTED = { code: -32022, data: { supported: ['2026-07-28'] } };

describe('a request that names a protocol version which is not served', () => {
  it.each([
    ['the first of the connection', async () => undefined],
    ['after server/discover', () => host.ask('server/discover', envelope())],
    ['on a connection that speaks 2026-07-28', () => host.ask('tools/list', envelope())],
    ['after a handshake of an earlier era', () => host.handshake()],
  ])('is refused with the versions that are: %s', async (_, open) => {
    await start();
    await open();
    const uri = 'flux://guide/prompting';
    for (const version of ['2099-01-01', '2026-07-29', '2024-10-07', 'latest', ''])
      for (const [method, params] of [
        ['tools/list', {}],
        ['server/discover', {}],
        ['resources/read', { uri }],
        ['tools/call', { name: 'generate_image', arguments: { prompt: 'A heron' } }],
        ['subscriptions/listen', { notifications: { resourcesListChanged: true } }],
      ] as const) {
        const { error } = await host.ask(method, { ...params, ...envelope(version) });
        expect(error, `${method} ${version}`).toMatchObject(UNSUPPORTED);
        expect(error?.data?.requested).toBe(version);
      }
  });

  it('is refused where the version is missing, or no text', async () => {
    await start();
    await host.ask('tools/list', envelope());
    expect((await host.ask('tools/list')).error?.code).toBe(-32602);
    expect((await host.ask('tools/list', { _meta: {} })).error?.code).toBe(-32602);
    expect((await host.ask('tools/list', envelope(null))).error?.code).toBe(-32602);
    expect((await host.ask('tools/list', envelope(20260728))).error?.code).toBe(-32602);
    expect((await host.ask('tools/list', envelope())).result).toHaveProperty('resultType', 'complete');
  });
});

describe('a notification before the first request', () => {
  const STRAYS = [
    { method: 'notifications/cancelled', params: { requestId: 1 } },
    { method: 'notifications/initialized' },
    { method: 'notifications/unheard_of', params: { _meta: { x: 1 } } },
    { method: 'notifications/roots/list_changed', params: envelope() },
    { method: 'notifications/roots/list_changed', params: envelope('2099-01-01') },
  ].map((stray) => ({ jsonrpc: '2.0', ...stray }));

  it.each(STRAYS)('leaves the choice of the era to the request: $method $params', async (stray) => {
    await start();
    host.send(stray);
    // An answer of an earlier era has no result type.
    expect((await host.ask('tools/list', envelope())).result).toHaveProperty('resultType', 'complete');
    program.child.kill('SIGKILL');
    await start();
    host.send(stray);
    expect((await host.handshake()).result).toMatchObject({ protocolVersion: '2025-06-18' });
  });

  it('leaves it so after server/discover as well', async () => {
    await start();
    await host.ask('server/discover', envelope());
    host.send(...STRAYS);
    expect((await host.ask('tools/list', envelope())).result).toHaveProperty('resultType', 'complete');
  });
});

describe('the earlier eras', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'are served after server/discover: %s',
    async (version) => {
      await start();
      expect((await host.ask('server/discover', envelope())).result?.supportedVersions).toEqual(['2026-07-28']);
      expect((await host.handshake(version)).result?.protocolVersion).toBe(version);
      expect((await host.toolNames()).length).toBeGreaterThan(0);
    },
  );
});

describe('a question to the user', () => {
  const EXPENSIVE = {
    images: Array.from({ length: 10 }, (_, index) => ({
      prompt: `A heron, number ${index}`,
      width: 2048,
      height: 2048,
    })),
    wait_seconds: 0,
  };

  it.each([
    ['2024-11-05', false],
    ['2025-03-26', false],
    ['2025-06-18', true],
    ['2025-11-25', true],
  ])('is put to a client of %s that declares it: %s', async (protocolVersion, isAsked) => {
    await start();
    const clientInfo = { name: 'asking-host', version: '1.0.0' };
    await host.ask('initialize', { protocolVersion, capabilities: { elicitation: {} }, clientInfo });
    host.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const call = host.request('tools/call', { name: 'generate_images', arguments: EXPENSIVE });
    host.send(call);
    const first = await host.waitFor(
      'question or answer',
      ({ id, method }) => method === 'elicitation/create' || (id === call.id && method === undefined),
    );
    expect(first.method).toBe(isAsked ? 'elicitation/create' : undefined);
    if (!isAsked) expect(first.result).toHaveProperty('isError', true);
  });
});
