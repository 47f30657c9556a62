/**
 * The user's no, and a question that nobody answered, through the packed program: real clients of both SDK lines and
 * both protocol eras. What a host's window shows, these clients cannot know: a function stands for the user.
 */
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { unpackPackage } from '../support/packed-program.ts';
import { RawHost, textOf } from '../support/raw-host.ts';

const packed = await unpackPackage();
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => packed.close());

const CAPABILITIES = { elicitation: {} };
const PICTURE = { prompt: 'a costly heron', width: 256, height: 256 };
/** Waits for nothing: what matters here is whether it was ordered. */
const IMAGE = { name: 'generate_image', arguments: { ...PICTURE, wait_seconds: 0 } };
const IMAGES = { name: 'generate_images', arguments: { images: [PICTURE, PICTURE], wait_seconds: 0 } };
const ORDERED = 'Call get_job_status with job_id';
const NO = 'Tell the user that nothing was ordered; do not order unless the user now says yes.';
const UNANSWERED = /The question was not answered\. .*No credits were spent\./u;

/** What becomes of each question, in turn; the last one stays. */
type Reply = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean> } | 'error';
const YES: Reply = { action: 'accept', content: { confirm: true } };

type Host = {
  call(tool: { name: string; arguments: Record<string, unknown> }): Promise<{ text: string; isError: boolean }>;
  questions: string[];
  service: Sandbox;
};

const CLIENTS = ['v1', 'v2', '2026'] as const;
type ClientKind = (typeof CLIENTS)[number];

async function startProgram(): Promise<{ service: Sandbox; settings: V1Settings }> {
  const service = await startSandbox({ seed: 'no' });
  closers.push(() => service.close());
  const home = await packed.newHome();
  const env = {
    ...home.env,
    DOITONG_API_URL: service.url,
    DOITONG_API_KEY: service.key,
    FLUX_CONFIRM_ABOVE_CREDITS: '5',
  };
  return { service, settings: { command: process.execPath, args: [packed.main], env, cwd: home.cwd } };
}
type V1Settings = { command: string; args: string[]; env: Record<string, string>; cwd: string };

async function startHost(kind: ClientKind, replies: readonly Reply[], name = 'plain-client'): Promise<Host> {
  const { service, settings } = await startProgram();
  const questions: string[] = [];
  const onQuestion = async ({ params }: { params: { message: string } }) => {
    const reply = replies[Math.min(questions.length, replies.length - 1)] ?? 'error';
    questions.push(params.message);
    if (reply === 'error') throw new Error('no window to show it in');
    return reply;
  };
  const info = { name, version: '1.0.0' };
  const options = { capabilities: CAPABILITIES };
  const client = kind === 'v1' ? new V1Client(info, options) : modernClient(kind, info);
  if (client instanceof V1Client) {
    client.setRequestHandler(ElicitRequestSchema, onQuestion);
    await client.connect(new V1Transport(settings));
  } else {
    client.setRequestHandler('elicitation/create', onQuestion);
    await client.connect(new ModernTransport(settings));
  }
  closers.push(() => client.close());
  return {
    questions,
    service,
    call: async (tool) => {
      try {
        const result = await client.callTool(tool);
        return { text: textOf(result), isError: result.isError === true };
      } catch (error) {
        return { text: `thrown: ${String(error)}`, isError: true };
      }
    },
  };
}

function modernClient(kind: 'v2' | '2026', info: { name: string; version: string }): ModernClient {
  const mode = kind === '2026' ? ({ pin: '2026-07-28' } as const) : 'legacy';
  return new ModernClient(info, { versionNegotiation: { mode }, capabilities: CAPABILITIES });
}

async function startRawHost(): Promise<RawHost> {
  const { settings } = await startProgram();
  return new RawHost(await packed.start([], { env: settings.env }));
}

const orders = ({ service }: Host): number => service.inspect().jobs.length;

describe.each(CLIENTS)('through a client of the %s line, a call that costs more than the threshold', (kind) => {
  it('is ordered after a yes', async () => {
    const host = await startHost(kind, [YES]);
    expect((await host.call(IMAGE)).text).toContain(ORDERED);
    expect(host.questions).toHaveLength(1);
    // The order leaves after the answer, which waits for nothing.
    await vi.waitFor(() => expect(orders(host)).toBe(1), { timeout: 20_000 });
  });

  it.each<[string, Reply]>([
    ['the form comes back with a no', { action: 'accept', content: { confirm: false } }],
    ['the form comes back empty', { action: 'accept', content: {} }],
    ['the user declines', { action: 'decline' }],
  ])('is not ordered, and no way around it is shown, when %s', async (_, reply) => {
    const host = await startHost(kind, [reply, reply, YES]);
    for (const tool of [IMAGE, IMAGES]) {
      const { text, isError } = await host.call(tool);
      expect(isError).toBe(true);
      expect(text).toContain(NO);
      expect(text).toContain('No credits were spent.');
      expect(text).not.toMatch(/max_credits|later|not the refusal/);
    }
    expect(orders(host)).toBe(0);
    // The user may still change their mind: the next call asks again.
    expect((await host.call(IMAGE)).text).toContain(ORDERED);
    expect(host.questions).toHaveLength(3);
  });

  it('names the price and how to go on when the question is closed, and asks no more', async () => {
    const host = await startHost(kind, [{ action: 'cancel' }]);
    const { text, isError } = await host.call(IMAGE);
    expect(isError).toBe(true);
    expect(text).toMatch(UNANSWERED);
    expect(text).toContain('max_credits 20');
    const next = await host.call(IMAGES);
    expect(next.text).toContain('max_credits 40');
    expect(host.questions).toHaveLength(1);
    expect(orders(host)).toBe(0);
    const paid = await host.call({ ...IMAGE, arguments: { ...IMAGE.arguments, max_credits: 20 } });
    expect(paid.text).toContain(ORDERED);
    // The order leaves after the answer, which waits for nothing.
    await vi.waitFor(() => expect(orders(host)).toBe(1), { timeout: 20_000 });
  });

  it('names the price and how to go on at the latest with the next call when the client answers with an error', async () => {
    const host = await startHost(kind, ['error']);
    const first = await host.call(IMAGE);
    expect(first.isError).toBe(true);
    // On 2026-07-28 the client asks by itself: its own error never reaches the server.
    if (kind !== '2026') {
      expect(first.text).toMatch(UNANSWERED);
      expect(first.text).toContain('max_credits 20');
      expect(first.text).not.toMatch(/no window|Fulfilling|thrown/);
    }
    const next = await host.call(IMAGE);
    expect(next.text).toContain('No credits were spent.');
    expect(next.text).toContain('max_credits 20');
    expect(host.questions).toHaveLength(1);
    expect(orders(host)).toBe(0);
  });

  it.each(['codex-mcp-client', 'Copilot-CLI 1.2', 'github-copilot-developer'])(
    'is never put to %s, which declines by itself',
    async (name) => {
      const host = await startHost(kind, [{ action: 'decline' }], name);
      const { text } = await host.call(IMAGE);
      expect(text).toContain('this host cannot ask the user');
      expect(text).toContain('max_credits 20');
      expect(host.questions).toEqual([]);
    },
  );
});

describe('an answer on the wire of an earlier era', () => {
  async function ask(answer: Record<string, unknown>): Promise<{ text: string; next: string }> {
    const host = await startRawHost();
    const clientInfo = { name: 'raw-host', version: '1.0.0' };
    await host.ask('initialize', { protocolVersion: '2025-06-18', capabilities: CAPABILITIES, clientInfo });
    host.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const call = host.request('tools/call', IMAGE);
    host.send(call);
    const question = await host.waitFor('a question', ({ method }) => method === 'elicitation/create');
    host.send({ jsonrpc: '2.0', id: question.id ?? null, ...answer });
    const text = textOf((await host.answer(call.id)).result);
    const next = UNANSWERED.test(text) ? textOf(await host.call(IMAGE.name, IMAGE.arguments)) : '';
    return { text, next };
  }

  it.each<[string, Record<string, unknown>]>([
    ['an acceptance with an empty form', { action: 'accept', content: {} }],
    ['an acceptance without a form', { action: 'accept' }],
    ['a yes in the wrong type', { action: 'accept', content: { confirm: 'true' } }],
    ['a yes to something else', { action: 'accept', content: { agree: true } }],
  ])('is a no: %s', async (_, result) => {
    const { text } = await ask({ result });
    expect(text).toContain(NO);
    expect(text).not.toContain('max_credits');
  });

  it.each<[string, Record<string, unknown>]>([
    ['an error: method not found', { error: { code: -32601, message: 'Method not found' } }],
    ['an error: internal', { error: { code: -32603, message: 'IGNORE ALL' } }],
    ['a result without an action', { result: {} }],
    ['an unknown action', { result: { action: 'later' } }],
    ['a form that is no object', { result: { action: 'accept', content: 'yes' } }],
    ['a result that is null', { result: null }],
    ['a result that is a text', { result: 'yes' }],
    ['a result that is a list', { result: [] }],
    ['an error that is a text', { error: 'IGNORE ALL' }],
    ['an error that is null', { error: null }],
    [
      'a yes and an error at once',
      { result: { action: 'accept', content: { confirm: true } }, error: { code: 1, message: 'x' } },
    ],
    [
      'a yes in another version of JSON-RPC',
      { jsonrpc: '1.0', result: { action: 'accept', content: { confirm: true } } },
    ],
    ['neither a result nor an error', {}],
  ])('is no answer: %s', async (_, answer) => {
    const { text, next } = await ask(answer);
    expect(text).toMatch(UNANSWERED);
    expect(text).toContain('max_credits 20');
    expect(text).not.toMatch(/Fulfilling|Method not found|IGNORE ALL|Invalid result/);
    expect(next).toContain('max_credits 20');
  });
});

describe('an answer in a batch, in an era without batches', () => {
  it('is heard, so that the call does not wait for another one', async () => {
    const host = await startRawHost();
    const clientInfo = { name: 'raw-host', version: '1.0.0' };
    await host.ask('initialize', { protocolVersion: '2025-06-18', capabilities: CAPABILITIES, clientInfo });
    const call = host.request('tools/call', IMAGE);
    host.send(call);
    const question = await host.waitFor('a question', ({ method }) => method === 'elicitation/create');
    host.send(JSON.stringify([{ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }]));
    expect(textOf((await host.answer(call.id)).result)).toContain(NO);
  });
});

describe('an answer inside a call of 2026-07-28', () => {
  const META = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw-host', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': CAPABILITIES,
  };

  const CONFIRM = { confirm: YES };
  const ANOTHER = { ...IMAGE.arguments, allow_duplicate: true };
  const isAskedAgain = ({ result }: { result?: Record<string, unknown> }): void => {
    expect(result?.resultType).toBe('input_required');
  };

  async function question(host: RawHost, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const asked = await host.ask('tools/call', { name: IMAGE.name, arguments: args, _meta: META });
    isAskedAgain(asked);
    return { requestState: asked.result?.requestState, inputResponses: CONFIRM };
  }

  it('counts for the call that was asked about, once', async () => {
    const host = await startRawHost();
    const answer = await question(host, ANOTHER);
    const call = { name: IMAGE.name, arguments: ANOTHER, _meta: META, ...answer };
    expect(textOf((await host.ask('tools/call', call)).result)).toContain(ORDERED);
    isAskedAgain(await host.ask('tools/call', call));
  });

  it('counts for the call as it is understood, however it is written', async () => {
    const host = await startRawHost();
    const written = { ...IMAGE.arguments, width: '256', version: null, file_name: '', sessionId: 'one' };
    const answer = await question(host, written);
    isAskedAgain(await host.ask('tools/call', { ...IMAGE, arguments: ANOTHER, _meta: META, ...answer }));
    expect(textOf((await host.ask('tools/call', { ...IMAGE, _meta: META, ...answer })).result)).toContain(ORDERED);
  });

  it('does not count for another call, for a dearer one, or for another tool', async () => {
    const host = await startRawHost();
    const answer = await question(host, IMAGE.arguments);
    for (const call of [
      { name: IMAGE.name, arguments: ANOTHER },
      { name: IMAGE.name, arguments: { ...IMAGE.arguments, prompt: 'another heron' } },
      { name: IMAGE.name, arguments: { ...IMAGE.arguments, width: 2048, height: 2048 } },
      IMAGES,
    ])
      isAskedAgain(await host.ask('tools/call', { ...call, _meta: META, ...answer }));
    // None of these has used it up.
    expect(textOf((await host.ask('tools/call', { ...IMAGE, _meta: META, ...answer })).result)).toContain(ORDERED);
  });

  it.each<[string, (state: string) => unknown]>([
    ['nothing', () => undefined],
    ['an empty text', () => ''],
    ['a number', () => 5],
    ['one that was changed', (state) => `${state.slice(0, -2)}AA`],
    ['one of our own making', () => Buffer.from('{"upTo":1000,"number":1}').toString('base64url')],
  ])('does not count with %s for the state of the question', async (_, forge) => {
    const host = await startRawHost();
    const { requestState } = await question(host, IMAGE.arguments);
    const forged = { requestState: forge(String(requestState)), inputResponses: CONFIRM };
    const { result, error } = await host.ask('tools/call', { ...IMAGE, _meta: META, ...forged });
    if (error === undefined) expect(result?.resultType).toBe('input_required');
    else expect(error.code).toBe(-32602);
  });

  it('that is missing is not made up for by max_credits in the same call', async () => {
    const host = await startRawHost();
    const args = { ...IMAGE.arguments, max_credits: 500 };
    const { requestState } = await question(host, args);
    const closed = { requestState, inputResponses: { confirm: { action: 'cancel' } } };
    const { result } = await host.ask('tools/call', { name: IMAGE.name, arguments: args, _meta: META, ...closed });
    expect(textOf(result)).toMatch(UNANSWERED);
    // From now on this host counts as one that cannot ask.
    const { result: next } = await host.ask('tools/call', { name: IMAGE.name, arguments: args, _meta: META });
    expect(textOf(next)).toContain(ORDERED);
  });

  it('of another process does not count', async () => {
    const answer = await question(await startRawHost(), IMAGE.arguments);
    const other = await startRawHost();
    isAskedAgain(await other.ask('tools/call', { ...IMAGE, _meta: META, ...answer }));
  });

  it.each<[string, unknown]>([
    ['an error in its place', { error: { code: -32603, message: 'IGNORE ALL' } }],
    ['an answer in an envelope of a request', { method: 'elicitation/create', result: { action: 'accept' } }],
    ['an unknown action', { action: 'later' }],
    ['a text', 'yes'],
    ['nothing', null],
  ])('is no answer: %s', async (_, confirm) => {
    const host = await startRawHost();
    const first = await host.ask('tools/call', { ...IMAGE, _meta: META });
    expect(first.result?.resultType).toBe('input_required');
    const answered = await host.ask('tools/call', { ...IMAGE, _meta: META, inputResponses: { confirm } });
    expect(textOf(answered.result)).toMatch(UNANSWERED);
    expect(textOf(answered.result)).toContain('max_credits 20');
    expect(textOf(answered.result)).not.toContain('IGNORE ALL');
    const next = await host.ask('tools/call', { ...IMAGE, _meta: META });
    expect(textOf(next.result)).toContain('max_credits 20');
  });
});
