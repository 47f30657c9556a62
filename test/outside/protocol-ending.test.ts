/** The end of input right after requests: what can be answered without the service is answered before the end. */
import { afterAll, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { envelope, jsonRpcLines, RawHost } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const LOCAL: readonly (readonly [string, Record<string, unknown>])[] = [
  ['tools/list', {}],
  ['prompts/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'flux://guide/prompting' }],
  ['resources/read', { uri: 'flux://limits' }],
  ['resources/read', { uri: 'ui://flux/viewer' }],
  ['prompts/get', { name: 'compose_image_prompt', arguments: { subject: 'a heron' } }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'compose_image_prompt' }, argument: { name: 'style', value: '' } },
  ],
  ['tools/call', { name: 'list_jobs', arguments: {} }],
  ['tools/call', { name: 'check_rate_limits', arguments: {} }],
  ['tools/call', { name: 'generate_image', arguments: { promt: 'a heron' } }],
];

/** Writes everything in one piece and closes the input behind it. */
async function answersBeforeTheEnd(program: RunningProgram, text: string): Promise<unknown[]> {
  program.child.stdin.end(text);
  expect(await program.exit).toMatchObject({ code: 0, signal: null });
  return jsonRpcLines(program.stdout()).map(({ id }) => id);
}

describe('the end of input', () => {
  it.each(LOCAL)('comes after the answer to %s %j', async (method, params) => {
    const program = await packed.start([], { env: { DOITONG_API_KEY: 'a-key-for-nobody' } });
    const host = new RawHost(program);
    await host.handshake();
    const request = host.request(method, params);
    expect(await answersBeforeTheEnd(program, `${JSON.stringify(request)}\n`)).toContain(request.id);
  });

  it('comes after all answers, also to a last line without its end, and to a reader that takes its time', async () => {
    const program = await packed.start(['serve', '--sandbox']);
    const requests = Array.from({ length: 12 }, (_, id) => ({
      jsonrpc: '2.0',
      id,
      method: 'resources/read',
      params: { uri: 'ui://flux/viewer', ...envelope() },
    }));
    // Some megabytes, which no pipe holds.
    program.child.stdout.pause();
    setTimeout(() => program.child.stdout.resume(), 300);
    const ids = await answersBeforeTheEnd(program, requests.map((request) => JSON.stringify(request)).join('\n'));
    expect(new Set(ids)).toEqual(new Set(requests.map(({ id }) => id)));
    expect(ids).toHaveLength(requests.length);
  });

  it('ends a wait for a picture with an answer, and the job stays on record', async () => {
    const home = await packed.newHome();
    const program = await packed.start(['serve', '--sandbox'], { home });
    const host = new RawHost(program);
    await host.handshake();
    const call = host.request('tools/call', {
      name: 'generate_image',
      arguments: { prompt: 'A heron' },
      _meta: { progressToken: 1 },
    });
    host.send(call);
    await host.waitFor('progress', ({ params }) => /being made/.test(String(params?.message)));
    expect(await answersBeforeTheEnd(program, '')).toContain(call.id);
  });
});
