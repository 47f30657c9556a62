/** Proves over real HTTP that several jobs are read in one request, and that none suffers from what another meets. */
import { afterEach, describe, expect, it } from 'vitest';
import type { PermitAsk, RateReport } from '../../src/limits/rate-state.ts';
import { createOpenLimiter } from '../support/open-limiter.ts';
import { createPlainWireMemory } from '../support/plain-wire-memory.ts';
import { nameOf, schemaService, stepOf } from '../unit/doitong/schema-service.ts';
import {
  errors,
  type Harness,
  KEY,
  type Script,
  type Scripted,
  startHarness,
} from '../unit/doitong/scripted-service.ts';
import { wordsOf } from '../support/words.ts';

const never = new AbortController().signal;
const harnesses: Harness[] = [];
afterEach(async () => {
  await Promise.all(harnesses.splice(0).map((harness) => harness.close()));
});

const QUERY = { field: 'job', argument: 'id' };
const DONE = { status: 'completed', url: 'https://cdn/a.jpg' };

async function start(script: Script, settings: { jobQuery?: 'auto' | typeof QUERY } = {}) {
  const asks: (PermitAsk | undefined)[] = [];
  const reported: RateReport[] = [];
  const limiter = createOpenLimiter();
  const harness = await startHarness(script, {
    settings: { jobQuery: QUERY, ...settings },
    memory: createPlainWireMemory(),
    limiterOn: () => ({
      permit: (ask) => {
        asks.push(ask);
        return limiter.permit(ask);
      },
      learn: async (news) => void reported.push(news),
    }),
  });
  harnesses.push(harness);
  const { provider, service, lines } = harness;
  return {
    provider,
    service,
    lines,
    asks,
    reported,
    /** What was read of each id: its phase, or the kind of its failure. */
    read: async (ids: readonly string[], signal = never) => {
      const readings = await provider.readMany(ids, signal);
      return Object.fromEntries(
        [...readings].map(([id, reading]) => [id, 'job' in reading ? reading.job.phase : reading.failure.kind]),
      );
    },
    failure: async (ids: readonly string[], id: string) => {
      const reading = (await provider.readMany(ids, never)).get(id);
      if (reading === undefined || 'job' in reading) throw new Error('it was read');
      return reading.failure;
    },
    /** How many jobs each request asked for. */
    sizes: () => service.arrived.map(({ query }) => query.match(/job\(id/gu)?.length ?? 0),
  };
}

/** The ids that a document asks for, under their aliases. */
const askedIn = (query: string): [string, string][] =>
  [...query.matchAll(/(\w+): job\(id: "([^"]*)"\)/gu)].map(([, alias = '', id = '']) => [alias, id]);
const answering =
  (jobOf: (id: string) => unknown, more: (aliases: readonly [string, string][]) => object = () => ({})): Script =>
  ({ query }) => {
    const asked = askedIn(query);
    return { body: { data: Object.fromEntries(asked.map(([alias, id]) => [alias, jobOf(id)])), ...more(asked) } };
  };
const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `id-${n}`);

describe('several jobs', () => {
  it('are read in one request, at the price of one permit for so many', async () => {
    const { read, sizes, asks, reported } = await start(answering((id) => ({ id, ...DONE })));
    expect(await read(['a', 'b', 'c'])).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
    expect(sizes()).toEqual([3]);
    expect(asks).toEqual([{ purpose: 'read', fields: 3 }]);
    expect(reported).toEqual([expect.objectContaining({ fields: 3 })]);
  });

  it('that are one are read as one, and none costs nothing', async () => {
    const { read, service, asks } = await start(answering((id) => ({ id, ...DONE })));
    expect(await read([])).toEqual({});
    expect(await read(['a', 'a'])).toEqual({ a: 'completed' });
    expect(service.arrived).toHaveLength(1);
    expect(asks).toEqual([{ purpose: 'read', fields: 1 }]);
  });

  it('are cut where they are more than 25', async () => {
    const { read, sizes } = await start(answering((id) => ({ id, status: 'processing', url: null })));
    const read60 = await read(ids(60));
    expect(Object.values(read60).every((phase) => phase === 'processing')).toBe(true);
    expect(sizes()).toEqual([25, 25, 10]);
  });

  it('are found out how to read by the first of them, and the others follow together', async () => {
    const sdl = `type Job { id: ID! status: String! url: String } type Query { fluxJob(jobId: ID!): Job }`;
    const script = schemaService(sdl, { fluxJob: ({ jobId }: { jobId: string }) => ({ id: jobId, ...DONE }) });
    const { read, service } = await start(script, { jobQuery: 'auto' });
    expect(await read(['a', 'b', 'c'])).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
    expect(service.arrived.map(({ query }) => query.match(/fluxJob/gu)?.length ?? 0)).toEqual([0, 1, 2]);
  });

  it('are read one by one at the REST endpoint', async () => {
    const rest = ({ path }: { path: string }): Scripted => ({ body: { id: path.split('/').at(-1), ...DONE } });
    const script: Script = (arrived) => (arrived.path === '/graphql' ? { status: 404, text: 'no' } : rest(arrived));
    const { read, provider, service, asks } = await start(script, { jobQuery: 'auto' });
    expect(await read(['a', 'b', 'c'])).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
    const gets = service.arrived.filter(({ method }) => method === 'GET').map(nameOf);
    expect(gets).toEqual(['a', 'b', 'c'].map((id) => `GET /v1/text_to_image/${id}`));
    expect(asks.every((ask) => ask?.fields === 1)).toBe(true);
    // So that nobody asks for more along with one whose time has come.
    expect(await provider.readsAtOnce()).toBe(1);
  });
});

describe('what goes wrong with one', () => {
  it('touches no other: an error with its alias, nothing behind it, no such job, a failed one', async () => {
    const jobs: Record<string, unknown> = {
      broken: null,
      gone: null,
      done: { id: 'done', ...DONE },
      bad: { id: 'bad', status: 'failed', error: 'It broke.' },
    };
    const script = answering(
      (id) => jobs[id],
      (asked) => ({
        errors: asked
          .filter(([, id]) => id === 'broken')
          .map(([alias]) => ({
            message: 'Boom',
            path: [alias, 'status'],
            extensions: { code: 'INTERNAL_SERVER_ERROR' },
          })),
      }),
    );
    const { read, failure } = await start(script);
    const all = ['broken', 'gone', 'done', 'bad'];
    expect(await read(all)).toEqual({
      broken: 'service_error',
      gone: 'service_error',
      done: 'completed',
      bad: 'failed',
    });
    for (const [id, words] of [
      ['broken', '"Boom"'],
      ['gone', 'does not know this job'],
    ] as const) {
      const reported = await failure(all, id);
      expect(reported).toMatchObject({ retry: 'later' });
      expect(wordsOf(reported).what).toContain(words);
    }
  });

  it('an answer that leaves one out says nothing of it', async () => {
    const { failure } = await start(({ query }) => {
      const [[alias = '', id = ''] = []] = askedIn(query);
      return { body: { data: { [alias]: { id, ...DONE } } } };
    });
    expect(await failure(['a', 'b'], 'b')).toMatchObject({ creditsSpent: 'maybe', retry: 'later' });
  });

  it('an id that cannot be one is never sent', async () => {
    const { read, service } = await start(answering((id) => ({ id, ...DONE })));
    expect(await read(['a', 'b\0', 'x'.repeat(500)])).toMatchObject({ a: 'completed', 'b\0': 'bad_input' });
    expect(JSON.stringify(service.arrived)).not.toContain('xxxx');
  });
});

describe('a service that refuses so many', () => {
  const atMost =
    (limit: number, refusal: Scripted): Script =>
    (arrived, count) =>
      askedIn(arrived.query).length > limit
        ? refusal
        : stepOf(
            answering((id) => ({ id, ...DONE })),
            arrived,
            count,
          );

  it.each([
    [
      'with 400 and a code of its own',
      { status: 400, body: errors({ message: 'Too complex', code: 'QUERY_TOO_COMPLEX' }) },
    ],
    ['with 413', { status: 413, text: 'no' }],
    ['with 422', { status: 422, body: errors({ message: 'Too many aliases' }) }],
    ['with 200 and no code', { body: errors({ message: 'Too many aliases' }) }],
    ['with an answer that never ends well', { text: '{"data":' }],
  ])('%s is asked for fewer, and not for more again', async (_, refusal) => {
    const { read, provider, sizes } = await start(atMost(3, refusal));
    const first = await read(ids(10));
    expect(Object.values(first).every((phase) => phase === 'completed')).toBe(true);
    const before = sizes().length;
    await read(ids(10));
    expect(sizes().slice(before)).toEqual([2, 2, 2, 2, 2]);
    expect(await provider.readsAtOnce()).toBe(2);
  });

  it('even for two is asked one by one', async () => {
    const { read } = await start(atMost(1, { status: 400, body: errors({ message: 'One at a time' }) }));
    expect(await read(['a', 'b', 'c'])).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
  });

  it('and for one as well, tells why for each', async () => {
    const { read, service } = await start(atMost(0, { status: 400, body: errors({ message: 'No' }) }));
    const read4 = await read(['a', 'b', 'c', 'd']);
    expect(new Set(Object.values(read4)).size).toBe(1);
    expect(service.arrived.length).toBeLessThan(10);
  });
});

describe('what concerns the whole request', () => {
  it('a fault of the network is tried again, and ends as the failure of each', async () => {
    const { read, service } = await start((_) => (response) => void response.destroy());
    expect(await read(['a', 'b'])).toEqual({ a: 'unreachable', b: 'unreachable' });
    expect(service.arrived).toHaveLength(5);
  });

  it('one passing error costs one more request', async () => {
    const good = answering((id) => ({ id, ...DONE }));
    const { read, sizes } = await start((arrived, count) =>
      count === 1 ? { status: 500 } : stepOf(good, arrived, count),
    );
    expect(await read(['a', 'b'])).toEqual({ a: 'completed', b: 'completed' });
    expect(sizes()).toEqual([2, 2]);
  });

  it('a wrong key is reported once, and shown nowhere', async () => {
    const { failure, service, lines } = await start(() => ({ status: 401, body: errors({ message: `bad ${KEY}` }) }));
    const { kind, reason } = await failure(['a', 'b', 'c'], 'c');
    expect(kind).toBe('bad_key');
    expect(JSON.stringify(reason) + lines.join()).not.toContain(KEY);
    expect(service.arrived).toHaveLength(1);
  });

  it('a caller who goes away ends it at once', async () => {
    const caller = new AbortController();
    const { provider } = await start(() => () => caller.abort(new Error('gone')));
    await expect(provider.readMany(['a', 'b'], caller.signal)).rejects.toThrow('gone');
  });
});
