/** What the server declares, promises and lets clients keep. */
import { afterAll, describe, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { envelope, RawHost, type RpcMessage } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const start = async (): Promise<RawHost> => new RawHost(await packed.start(['serve', '--sandbox']));
const UI = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } };

describe('the extension of the viewer', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'is declared in the handshake of %s',
    async (version) => {
      const { result } = await (await start()).handshake(version);
      expect(result?.capabilities).toMatchObject({ extensions: UI });
    },
  );

  it('is declared by server/discover', async () => {
    const { result } = await (await start()).ask('server/discover', envelope());
    expect(result?.capabilities).toMatchObject({ extensions: UI });
  });
});

describe('cache hints', () => {
  const HOUR = 3_600_000;

  it('let clients keep what is constant, and nothing else', async () => {
    const host = await start();
    const hintOf = async (method: string, params: Record<string, unknown> = {}): Promise<unknown[]> => {
      const { result } = await host.ask(method, { ...params, ...envelope() });
      return [result?.ttlMs, result?.cacheScope];
    };
    for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/templates/list'])
      expect(await hintOf(method), method).toEqual([HOUR, 'public']);
    for (const uri of ['flux://guide/prompting', 'ui://flux/viewer'])
      expect(await hintOf('resources/read', { uri }), uri).toEqual([HOUR, 'public']);
    expect(await hintOf('resources/list')).toEqual([0, 'private']);
    expect(await hintOf('resources/read', { uri: 'flux://limits' })).toEqual([0, 'private']);
  });

  it('are absent in the eras that do not know them', async () => {
    const host = await start();
    await host.handshake('2025-11-25');
    for (const [method, params] of [
      ['tools/list', {}],
      ['resources/read', { uri: 'flux://guide/prompting' }],
    ] as const)
      expect((await host.ask(method, params)).result).not.toHaveProperty('ttlMs');
  });
});

describe('a subscription', () => {
  const LISTEN = 'subscriptions/listen';
  const order = { name: 'generate_image', arguments: { prompt: 'A heron', width: 256, height: 256, wait_seconds: 0 } };

  const listen = async (host: RawHost, notifications: Record<string, unknown>): Promise<RpcMessage> => {
    const request = host.request(LISTEN, { notifications, ...envelope() });
    host.send(request);
    return host.waitFor('acknowledgement', ({ id, params }) => {
      const meta = params?._meta as Record<string, unknown> | undefined;
      return id === request.id || meta?.['io.modelcontextprotocol/subscriptionId'] === request.id;
    });
  };

  const orderedId = async (host: RawHost): Promise<string> => {
    await host.ask('tools/call', { ...order, ...envelope() });
    const { result } = await host.ask('resources/list', envelope());
    const uris = ((result?.resources ?? []) as { uri: string }[]).map(({ uri }) => uri);
    return uris.find((uri) => uri.startsWith('flux://jobs/'))?.slice('flux://jobs/'.length) ?? '';
  };

  it('is confirmed for what can be reported alone, and reports it', async () => {
    const host = await start();
    const id = await orderedId(host);
    const known = [`flux://jobs/${id}`, `flux://images/${id}`];
    const unknown = ['flux://limits', 'flux://guide/prompting', 'ui://flux/viewer', 'flux://jobs/none', 'flux://jobs/'];
    const nonsense = ['file:///etc/passwd', '', 'x', `${known[0]}/`, `${known[0]}?x`, known[0]?.toUpperCase()];
    const acknowledged = await listen(host, {
      toolsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: [...unknown, ...known, ...nonsense, ...known],
    });
    expect(acknowledged).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
    expect(acknowledged.params?.notifications).toEqual({ resourcesListChanged: true, resourceSubscriptions: known });
    await host.waitFor('news of the job', ({ method, params }) => {
      return method === 'notifications/resources/updated' && params?.uri === known[0];
    });
  });

  it('to unknown names alone confirms none of them', async () => {
    const host = await start();
    const acknowledged = await listen(host, { resourceSubscriptions: ['flux://limits', 'nonsense'] });
    expect(acknowledged.params?.notifications).toEqual({});
  });

  it.each([[{ resourceSubscriptions: [5] }], [{ resourceSubscriptions: 'flux://limits' }], [5], [null], [[]]])(
    'with a wrong filter is refused: %j',
    async (notifications) => {
      const host = await start();
      const answer = await listen(host, notifications as Record<string, unknown>);
      expect(answer.error?.code).toBe(-32602);
    },
  );
});
