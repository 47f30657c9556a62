/** Proves against the sandbox that no fault of the network makes an order paid twice, lost, or called free. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';
import { FluxError } from '../../src/core/failure.ts';
import { DIALECT_NAMES } from '../../src/doitong/dialects.ts';
import { createDoitongProvider, type DoitongSettings } from '../../src/doitong/doitong-provider.ts';
import { type Fault, type FaultServer, startFaultServer } from '../support/fault-server.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { createOpenLimiter, type OpenLimiter } from '../support/open-limiter.ts';
import { createPlainWireMemory } from '../support/plain-wire-memory.ts';
import { type Harness, PLAIN_SETTINGS, unmarked, withPlainCalls } from '../unit/doitong/scripted-service.ts';
import { wordsOf } from '../support/words.ts';

const REQUEST = { prompt: 'a fox in the snow', width: 256, height: 256 };
const never = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };

let sandbox: Sandbox;
let server: FaultServer;
let provider: Harness['provider'];
let clock: ManualClock;
let limiter: OpenLimiter;

async function start(options: SandboxOptions = {}, settings: Partial<DoitongSettings> = {}): Promise<void> {
  sandbox = await startSandbox({ jobDurationMs: 0, ...options });
  server = await startFaultServer(sandbox.url);
  clock = createManualClock(undefined, { autoAdvance: true });
  limiter = createOpenLimiter();
  const apiSettings = { ...PLAIN_SETTINGS, apiUrl: server.url, apiKey: sandbox.key, ...settings };
  const memory = createPlainWireMemory();
  provider = withPlainCalls(createDoitongProvider(apiSettings, { clock, log, limiter, memory }), limiter, clock);
}
async function stop(): Promise<void> {
  await provider.close();
  await server.close();
  await sandbox.close();
}
afterEach(stop);

const submissions = (): ReturnType<FaultServer['requests']> =>
  server.requests().filter(({ target }) => target === 'submit');
const keys = (): Set<string | undefined> => new Set(submissions().map(({ idempotencyKey }) => idempotencyKey));
const charges = (): number => sandbox.inspect().charges.length;

describe.each(DIALECT_NAMES)('an order by %s that ends with a job', (dialect) => {
  beforeEach(() => start({}, { dialect }));

  it.each<[string, Fault[], number]>([
    ['nothing', [], 1],
    ['a drop before', ['drop-before'], 2],
    ['a drop after', ['drop-after'], 2],
    ['two drops after', ['drop-after', 'drop-after'], 3],
    ['a truncated answer', ['truncate'], 2],
    ['half an answer', ['truncate-clean'], 2],
    ['a page', ['html-200'], 2],
    ['a page of a gateway', ['html-502', 'html-502-after'], 3],
    ['500 before and after', ['status-500-before', 'status-500-after'], 3],
    ['503', ['status-503'], 2],
    ['429', ['429'], 2],
    ['429 with a delay', ['429-retry-after', '429-retry-after'], 3],
  ])('after %s is charged once, under one key', async (_, faults, requests) => {
    server.script(faults);
    const { remoteId } = await provider.submit(REQUEST, 'key-1', unmarked());
    expect(submissions()).toHaveLength(requests);
    expect([...keys()]).toEqual(['key-1']);
    expect(charges()).toBe(1);
    expect(sandbox.inspect().jobs.map(({ id }) => id)).toEqual([remoteId]);
  });
});

describe.each(DIALECT_NAMES)('an order by %s that ends without a job', (dialect) => {
  beforeEach(() => start({}, { dialect }));

  it.each<[Fault, string, 'no' | 'maybe', number, number]>([
    ['drop-before', 'ambiguous', 'maybe', 3, 0],
    ['drop-after', 'ambiguous', 'maybe', 3, 1],
    ['truncate', 'ambiguous', 'maybe', 3, 1],
    ['truncate-clean', 'ambiguous', 'maybe', 3, 1],
    ['html-200', 'ambiguous', 'maybe', 3, 1],
    ['html-502', 'service_error', 'maybe', 3, 0],
    ['html-502-after', 'service_error', 'maybe', 3, 1],
    ['status-500-before', 'service_error', 'maybe', 3, 0],
    ['status-500-after', 'service_error', 'maybe', 3, 1],
    ['status-503', 'service_error', 'maybe', 3, 0],
    ['429', 'rate_limited', 'no', 3, 0],
    ['redirect', 'unsupported_service', 'maybe', 1, 0],
    [{ status: 408 }, 'ambiguous', 'maybe', 3, 0],
    [{ status: 409, forward: true }, 'ambiguous', 'maybe', 3, 1],
    [{ status: 403 }, 'bad_key', 'no', 1, 0],
    [{ status: 405 }, 'unsupported_service', 'no', 1, 0],
    [{ status: 413 }, 'bad_input', 'no', 1, 0],
    [{ status: 422 }, 'bad_input', 'no', 1, 0],
    [{ status: 204, forward: true }, 'ambiguous', 'maybe', 3, 1],
  ])('because of %j is %s, credits spent: %s', async (fault, kind, creditsSpent, requests, charged) => {
    server.script(Array.from({ length: requests }, () => fault));
    const error: unknown = await provider.submit(REQUEST, 'key-1', unmarked()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FluxError);
    expect((error as FluxError).failure).toMatchObject({ kind, creditsSpent });
    expect(submissions()).toHaveLength(requests);
    expect([...keys()]).toEqual(['key-1']);
    expect(charges()).toBe(charged);
    expect(server.requests().filter(({ target }) => target === 'other')).toEqual([]);

    // The same picture, asked for again under its own key: it is there, and paid once.
    if (creditsSpent === 'maybe') {
      await provider.submit(REQUEST, 'key-1', unmarked());
      expect(charges()).toBe(1);
    }
  });

  it('because no answer came in time is ambiguous, and the next try finds the job', async () => {
    server.script(['stall', 'drop-after']);
    const order = provider.submit(REQUEST, 'key-1', unmarked());
    while (submissions().length === 0 || charges() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await clock.advance(30_000);
    await order;
    expect(submissions()).toHaveLength(3);
    expect(charges()).toBe(1);
  });

  it.each<[string, SandboxOptions, string | undefined, object, string]>([
    ['the key is wrong', {}, 'sandbox-wrong', REQUEST, 'bad_key'],
    ['credits are missing', { credits: 1 }, undefined, REQUEST, 'no_credits'],
    ['the size is refused', {}, undefined, { ...REQUEST, width: 7 }, 'bad_input'],
    ['the version is unknown', {}, undefined, { ...REQUEST, version: 'flux-9' }, 'bad_input'],
  ])('because %s costs nothing and is sent once', async (_, options, apiKey, request, kind) => {
    await stop();
    await start(options, { dialect, ...(apiKey === undefined ? {} : { apiKey }) });
    const error: unknown = await provider
      .submit(request as typeof REQUEST, 'key-1', unmarked())
      .catch((reason: unknown) => reason);
    expect((error as FluxError).failure).toMatchObject({ kind, creditsSpent: 'no', retry: 'no' });
    expect(submissions()).toHaveLength(1);
    expect(charges()).toBe(0);
    if (kind === 'no_credits') expect(limiter.balance()).toBe(1);
  });
});

describe('reading from the sandbox', () => {
  beforeEach(() => start());

  it.each([[true], [false]])(
    'finds the status query by the schema that was asked for with the order; introspection: %s',
    async (introspection) => {
      await stop();
      await start({ scenarios: introspection ? [] : ['no-introspection'] });
      const { remoteId } = await provider.submit(REQUEST, 'key-1', unmarked());
      const job = await provider.read(remoteId, never);
      expect(job).toMatchObject({ phase: 'completed', remoteStatus: 'completed', creditCost: expect.any(Number) });
      expect(job.url).toBe(`${server.url}/outputs/${remoteId}.jpg`);
      expect(server.requests().map(({ target }) => target)).toEqual(['introspection', 'submit', 'status']);
      expect(limiter.window()).toMatchObject({ limit: 60, remaining: expect.any(Number) });
    },
  );

  it.each([
    ['sandbox:fail', 'generation_failed'],
    ['sandbox:moderated', 'moderated'],
  ])('says why there is no picture: %s', async (trigger, kind) => {
    const { remoteId } = await provider.submit({ ...REQUEST, prompt: `a fox ${trigger}` }, 'key-1', unmarked());
    const { failure } = await provider.read(remoteId, never);
    expect(failure).toMatchObject({ kind, creditsSpent: 'maybe' });
    expect(wordsOf(failure).what).toContain('because its prompt asks for it');
  });

  it('of an unknown job is no failed job', async () => {
    await expect(provider.read('nobody', never)).rejects.toMatchObject({
      failure: { kind: 'service_error', retry: 'later' },
    });
  });

  it.each<Fault>(['drop-before', 'drop-after', 'truncate', 'html-200', 'html-502', 'status-500-after', '429'])(
    'survives %s',
    async (fault) => {
      const { remoteId } = await provider.submit(REQUEST, 'key-1', unmarked());
      server.script([fault, fault], 'status');
      expect((await provider.read(remoteId, never)).phase).toBe('completed');
      expect(charges()).toBe(1);
    },
  );
});
