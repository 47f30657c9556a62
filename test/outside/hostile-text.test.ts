/**
 * Long and hostile text in every place where it can come in: it is answered, and the server lives on. Patterns that look
 * back over such a text take minutes for the sizes used here, so that the host's patience is bound enough.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { type RunningProgram, unpackPackage } from '../support/packed-program.ts';
import { RawHost } from '../support/raw-host.ts';
import { jobAnswer, type ScriptedAnswer, startScriptedService } from '../support/scripted-service.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

/** Words of one letter: each could be the beginning of an address, a name or a header. */
const DOTS = 'a.'.repeat(400_000);
const TEXTS: readonly [string, string][] = [
  ['dots', DOTS],
  ['dashes', 'a-'.repeat(400_000)],
  ['percent signs', '%25'.repeat(260_000)],
  ['backslashes', '\\'.repeat(300_000)],
  ['spaces', ' '.repeat(800_000)],
];

/** Asks, and shows that the server is still there and ends when its input does. */
async function livesThrough(program: RunningProgram, hear: (host: RawHost) => Promise<unknown>): Promise<string> {
  const host = new RawHost(program);
  await host.handshake();
  const answer = await hear(host);
  expect(await host.ask('ping')).toMatchObject({ result: {} });
  program.child.stdin.end();
  expect(await program.exit).toMatchObject({ code: 0 });
  return JSON.stringify(answer);
}

type Send = (host: RawHost, text: string) => Promise<unknown>;
const tool =
  (name: string, args: (text: string) => Record<string, unknown>): Send =>
  (host, text) =>
    host.ask('tools/call', { name, arguments: args(text) });

describe('text from the host', () => {
  const senders: readonly [string, Send][] = [
    ['a prompt', tool('generate_image', (prompt) => ({ prompt }))],
    ['a prompt of a batch', tool('generate_images', (prompt) => ({ images: [{ prompt }] }))],
    ['a file name', tool('generate_image', (text) => ({ prompt: 'a heron', file_name: text }))],
    ['the name of an argument', tool('generate_image', (text) => ({ prompt: 'a heron', [text]: 1 }))],
    ['a number', tool('generate_image', (text) => ({ prompt: 'a heron', width: text }))],
    ['a job_id', tool('get_job_status', (text) => ({ job_id: text }))],
    ['a cursor of list_jobs', tool('list_jobs', (cursor) => ({ cursor }))],
    ['the name of a tool', (host, name) => host.ask('tools/call', { name, arguments: {} })],
    ['the name of a prompt', (host, name) => host.ask('prompts/get', { name })],
    [
      'an argument of a prompt',
      (host, text) => host.ask('prompts/get', { name: 'compose_image_prompt', arguments: { subject: text } }),
    ],
    [
      'the name of an argument of a prompt',
      (host, text) => host.ask('prompts/get', { name: 'compose_image_prompt', arguments: { [text]: 'x' } }),
    ],
    ['a resource', (host, text) => host.ask('resources/read', { uri: `flux://${text}` })],
    ['a job resource', (host, text) => host.ask('resources/read', { uri: `flux://jobs/${text}` })],
    ['an image resource', (host, text) => host.ask('resources/read', { uri: `flux://images/${text}` })],
    ['a subscription', (host, text) => host.ask('resources/subscribe', { uri: `flux://jobs/${text}` })],
    ['a cursor of resources', (host, cursor) => host.ask('resources/list', { cursor })],
    [
      'a value to complete',
      (host, value) =>
        host.ask('completion/complete', {
          ref: { type: 'ref/prompt', name: 'compose_image_prompt' },
          argument: { name: 'style', value },
        }),
    ],
    [
      'a template to complete',
      (host, text) =>
        host.ask('completion/complete', {
          ref: { type: 'ref/resource', uri: `flux://jobs/${text}` },
          argument: { name: 'job_id', value: 'job_' },
        }),
    ],
  ];

  it.each(senders)('is answered in few words where it is %s', async (_, send) => {
    const service = await startScriptedService();
    const program = await packed.start([], { env: service.env });
    await livesThrough(program, async (host) => {
      for (const [, text] of TEXTS) {
        const answer = JSON.stringify(await send(host, text));
        expect(answer.length).toBeLessThan(8_000);
      }
    });
    // Long texts are refused before anything is sent.
    expect(service.requests.filter(({ kind }) => kind === 'submit')).toEqual([]);
    await service.close();
  });
});

describe('text from the service', () => {
  const answers: readonly [string, (text: string) => ScriptedAnswer][] = [
    ['an error', (message) => ({ status: 400, body: { errors: [{ message }] } })],
    [
      'an error that looks like one of GraphQL',
      (text) => ({
        status: 400,
        body: {
          errors: [{ message: `Variable "$input" got invalid value ${`; Field "${text}" `.slice(0, 800_000)}` }],
        },
      }),
    ],
    ['a code', (code) => ({ status: 400, body: { errors: [{ message: 'no', extensions: { code } }] } })],
    ['the status of a job', (status) => jobAnswer({ id: 'remote-1', status })],
    ['the reason of a failed job', (error) => jobAnswer({ id: 'remote-1', status: 'failed', error })],
    ['an address', (url) => jobAnswer({ id: 'remote-1', status: 'completed', url })],
    ['a long address', (url) => jobAnswer({ id: 'remote-1', status: 'completed', url: `https://x.example/${url}` })],
    ['an id', (id) => jobAnswer({ id, status: 'processing' })],
    ['no JSON', (body) => ({ body })],
  ];

  it.each(answers)('is answered in few words where it is %s', async (_, answer) => {
    const service = await startScriptedService({ submit: () => answer(DOTS), status: () => answer(DOTS) });
    const program = await packed.start([], { env: service.env });
    const said = await livesThrough(program, (host) =>
      host.ask('tools/call', { name: 'generate_image', arguments: { prompt: 'a heron', wait_seconds: 2 } }),
    );
    expect(said.length).toBeLessThan(8_000);
    await service.close();
  });
});

describe('the arguments of a call', () => {
  const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key${index}`, index]));
  const calls: readonly [string, string][] = [
    [
      'an object nested 20,000 deep',
      `"arguments":{"prompt":"x","more":${nested(20_000, '{"a":', '}').replace('}', '1}')}}`,
    ],
    ['a list nested 200,000 deep', `"arguments":{"prompt":"x","more":${nested(200_000, '[', ']')}}`],
    ['a prompt nested 20,000 deep', `"arguments":{"prompt":${nested(20_000, '[', ']')}}`],
    ['_meta nested 20,000 deep', `"arguments":{"prompt":"x"},"_meta":{"a":${nested(20_000, '[', ']')}}`],
    ['100,000 arguments', `"arguments":${JSON.stringify(wide)}`],
    ['a list of a million numbers', `"arguments":{"images":[${'1,'.repeat(1_000_000)}1]}`],
    ['__proto__', `"arguments":{"prompt":"x","__proto__":{"allow_duplicate":true}}`],
    ['constructor', `"arguments":{"prompt":"x","constructor":{"prototype":{}}}`],
    ['a list in place of them', '"arguments":[1]'],
  ];

  it.each(calls)('are refused without a word about credits that may be spent when they hold %s', async (_, params) => {
    const service = await startScriptedService();
    const program = await packed.start([], { env: service.env });
    const said = await livesThrough(program, (host) => {
      host.send(`{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"generate_images",${params}}}`);
      return host.answer(77);
    });
    expect(said).not.toContain('may have been spent');
    expect(said).toMatch(/nothing was sent|"error":/u);
    expect(said.length).toBeLessThan(8_000);
    expect(service.requests).toEqual([]);
    await service.close();
  });

  it('are refused in other requests, too', async () => {
    const deep = nested(20_000, '[', ']');
    const program = await packed.start(['serve', '--sandbox']);
    const said = await livesThrough(program, async (host) => {
      host.send(
        `{"jsonrpc":"2.0","id":71,"method":"prompts/get","params":{"name":"compose_image_prompt","arguments":{"subject":${deep}}}}`,
        `{"jsonrpc":"2.0","id":72,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":"a","value":"b"},"context":{"arguments":{"a":${deep}}}}}`,
      );
      return [await host.answer(71), await host.answer(72)];
    });
    expect(said.length).toBeLessThan(8_000);
    expect(JSON.parse(said)).toEqual([
      expect.objectContaining({ error: expect.anything() }),
      expect.objectContaining({ error: expect.anything() }),
    ]);
  });
});
