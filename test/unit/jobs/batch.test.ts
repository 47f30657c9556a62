/** Proves that the pictures of one call are ordered together, reported in order, and found again by the same call. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import type { Order } from '../../../src/core/image-request.ts';
import type { BatchProgress } from '../../../src/jobs/image-jobs.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { propose } from '../../support/place-orders.ts';
import { wordsOf } from '../../support/words.ts';
import { remoteJob, sampleFailure } from '../core/sample-jobs.ts';
import { type Bench, type BenchSettings, createBench, type OneProcess, startProcess, thrown } from './fakes.ts';

let bench: Bench;
const closing: OneProcess[] = [];
function start(settings: BenchSettings = {}): void {
  bench = createBench({ plan: 'pro', ...settings });
  bench.provider.isNumbering = true;
  closing.push(bench);
}
beforeEach(() => start());
afterEach(async () => {
  await Promise.all(closing.splice(0).map(({ jobs }) => jobs.close()));
});

const entry = (prompt: string, patch: Partial<Order> = {}): Order => ({
  request: { prompt, width: 1024, height: 1024 },
  ...patch,
});
const entries = (...prompts: string[]): Order[] => prompts.map((prompt) => entry(prompt));
const totals = async () => totalsOf((await bench.limits.state()).reservations, bench.clock.now());
const idsOf = (ordered: readonly { job: { id: string } }[]): string[] => ordered.map(({ job }) => job.id);

/** The job that each of these would only repeat. */
async function found(call: readonly Order[]) {
  const proposal = await propose(bench.jobs, call);
  if (proposal.type !== 'ready') throw new Error(`the call is not ready: ${proposal.type}`);
  return proposal.duplicates;
}

async function failureOf(work: Promise<unknown>) {
  const error: unknown = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FluxError);
  return (error as FluxError).failure;
}

describe('a call for several pictures', () => {
  it('orders each, and brings them in order when all have ended', async () => {
    bench.provider.readingOf.set('dt_2', remoteJob('failed'));
    const ordered = await bench.orderAll(entries('one', 'two', 'three'));
    expect(ordered.map(({ job }) => job.request.prompt)).toEqual(['one', 'two', 'three']);
    const places = await Promise.all(idsOf(ordered).map(bench.recorded));
    expect(places.map(({ batch, number }) => [batch, number])).toEqual([1, 2, 3].map((number) => ['job_1', number]));
    const waiting = bench.jobs.waitForAll(idsOf(ordered), { waitMs: 45_000 });
    await bench.clock.advance(20_000);
    expect((await waiting).map(({ id, state }) => [id, state])).toEqual([
      ['job_1', 'saved'],
      ['job_2', 'failed'],
      ['job_3', 'saved'],
    ]);
    expect(new Set(bench.provider.submitted.map(({ key }) => key)).size).toBe(3);
  });

  it('makes equal entries pictures of their own, and finds each of them again, entry by entry', async () => {
    const call = entries('fox', 'fox', 'hare', 'fox');
    const first = await bench.orderAll(call);
    expect(new Set(idsOf(first)).size).toBe(4);
    const again = await bench.orderAll(call);
    expect(again.map(({ job, duplicate }) => [job.id, duplicate])).toEqual(idsOf(first).map((id) => [id, true]));
    await bench.clock.advance(60_000);
    expect(bench.provider.submitted).toHaveLength(4);
    const late = await found(call);
    expect(late.map((job) => job?.id)).toEqual(idsOf(first));
    // One more of the same is the fourth of its kind: it alone is new.
    expect((await found([...call, entry('fox')])).at(-1)).toBeUndefined();
  });

  it('is found again by another process after the first has ended, and nothing is sent twice', async () => {
    const call = entries('fox', 'fox', 'hare');
    const first = await bench.orderAll(call);
    await bench.clock.advance(100);
    await bench.jobs.close();
    bench.living.delete(1);
    const next = startProcess(2, bench);
    closing.push(next);
    const again = next.orderAll(call);
    await bench.clock.advance(60_000);
    expect((await again).map(({ job, duplicate }) => [job.id, duplicate])).toEqual(
      idsOf(first).map((id) => [id, true]),
    );
    expect(next.provider.submitted).toEqual([]);
  });

  it('is found entry by entry, in whatever state each is, until a day after each was saved', async () => {
    start({ plan: 'free' });
    const call = entries('one', 'two', 'three');
    await bench.orderAll(call);
    bench.provider.readingOf.set('dt_3', remoteJob('processing'));
    await bench.clock.advance(10 * 60_000);
    expect((await found(call)).map((job) => job?.state)).toEqual(['saved', 'saved', 'processing']);
    bench.provider.readingOf.set('dt_3', remoteJob('completed'));
    await bench.clock.advance(23 * 60 * 60_000);
    expect((await found(call)).map((job) => job?.id)).toEqual(['job_1', 'job_2', 'job_3']);
    await bench.clock.advance(60 * 60_000);
    expect((await found(call)).map((job) => job?.id)).toEqual([undefined, undefined, 'job_3']);
    await bench.clock.advance(60 * 60_000);
    expect((await found(call)).map((job) => job?.id)).toEqual([undefined, undefined, undefined]);
    expect(bench.provider.submitted).toHaveLength(3);
  });

  it('has each of its entries found by a call for a single picture', async () => {
    const [, second] = await bench.orderAll(entries('one', 'two'));
    await bench.clock.advance(60_000);
    expect(await bench.order(entry('two').request)).toMatchObject({ job: { id: second?.job.id }, duplicate: true });
    expect(bench.provider.submitted).toHaveLength(2);
  });

  it('orders again what has failed when it is repeated, but not what was moderated', async () => {
    const failure = sampleFailure({ kind: 'moderated', creditsSpent: 'yes', retry: 'no' });
    bench.provider.readingOf.set('dt_1', remoteJob('failed', { failure }));
    bench.provider.readingOf.set('dt_2', remoteJob('failed'));
    const call = entries('one', 'two', 'three');
    const first = await bench.orderAll(call);
    await bench.clock.advance(60_000);
    const again = await bench.orderAll(call);
    expect(again.map(({ duplicate }) => duplicate)).toEqual([true, false, true]);
    expect([again[0]?.job.id, again[2]?.job.id]).toEqual([first[0]?.job.id, first[2]?.job.id]);
  });

  it('wanted as a picture of its own is one', async () => {
    await bench.orderAll(entries('fox'));
    const [again] = await bench.orderAll([entry('fox', { allowDuplicate: true })]);
    expect(again).toMatchObject({ duplicate: false });
  });
});

describe('what is committed', () => {
  it('is only what was proposed as new, even if a duplicate is found no longer by then', async () => {
    const call = entries('one', 'two');
    const first = await bench.orderAll(call);
    await bench.clock.advance(60_000);
    const proposal = await propose(bench.jobs, [...call, entry('three')]);
    await bench.clock.advance(25 * 60 * 60_000);
    expect((await found(call)).every((job) => job === undefined)).toBe(true);
    if (proposal.type !== 'ready') throw new Error('the call is not ready');
    expect(proposal.duplicates.map((job) => job?.id)).toEqual(['job_1', 'job_2', undefined]);
    const committed = await bench.jobs.commit(proposal);
    expect(committed.map(({ job, duplicate }) => [job.request.prompt, duplicate])).toEqual([
      ['one', true],
      ['two', true],
      ['three', false],
    ]);
    expect(idsOf(committed).slice(0, 2)).toEqual(idsOf(first));
    await bench.clock.advance(60_000);
    expect(bench.provider.submitted.map(({ prompt }) => prompt)).toEqual(['one', 'two', 'three']);
    // Two of them the day before.
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 0 });
  });

  it('is nothing when the call was cancelled by then', async () => {
    const proposal = await propose(bench.jobs, entries('one', 'two'));
    if (proposal.type !== 'ready') throw new Error('the call is not ready');
    const cancelled = AbortSignal.abort(new Error('cancelled'));
    await expect(bench.jobs.commit(proposal, cancelled)).rejects.toThrow('cancelled');
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
    expect(bench.jobStore.history).toEqual([]);
  });
});

describe('the price of a call', () => {
  it('is reserved for all, or nothing is ordered', async () => {
    start({ maxCreditsPerDay: 59 });
    const failure = await failureOf(bench.orderAll(entries('one', 'two', 'three')));
    expect(failure).toMatchObject({ kind: 'over_budget', creditsSpent: 'no' });
    expect(wordsOf(failure).what).toMatch(
      /^These 3 pictures may cost up to 60 credits, more than today's whole budget of 59\.$/,
    );
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
    expect(bench.jobStore.history).toEqual([]);
  });

  it('says how many pictures of the day are left', async () => {
    start({ maxImagesPerDay: 2 });
    const failure = await failureOf(bench.orderAll(entries('one', 'two', 'three')));
    expect(wordsOf(failure).what).toBe("These 3 pictures would exceed today's limit of 2 (0 ordered since 00:00 UTC).");
    expect(wordsOf(failure).next).toMatch(/^Order at most 2 now, or ask the user to raise FLUX_MAX_IMAGES_PER_DAY/);
  });

  it('is compared with the last known balance, unless the caller accepts it', async () => {
    await bench.limits.learn({ balance: 25 });
    const failure = await failureOf(bench.orderAll(entries('one', 'two', 'three')));
    expect(failure).toMatchObject({ kind: 'no_credits', creditsSpent: 'no' });
    expect(wordsOf(failure).next).toContain('max_credits 60');
    expect(await bench.orderAll(entries('one', 'two'))).toHaveLength(2);
    expect(await bench.orderAll(entries('three', 'four', 'five'), { accepted: 60 })).toHaveLength(3);
  });

  it('is no reason to refuse a repeated call', async () => {
    const call = entries('one', 'two', 'three');
    await bench.orderAll(call);
    await bench.limits.learn({ balance: 0 });
    expect((await bench.orderAll(call)).every(({ duplicate }) => duplicate)).toBe(true);
  });
});

describe('one that goes wrong', () => {
  it('at the service affects no other', async () => {
    bench.provider.submissions = [
      remoteJob('processing'),
      thrown({ kind: 'bad_input', creditsSpent: 'no', retry: 'no' }),
      remoteJob('processing'),
    ];
    const ordered = await bench.orderAll(entries('one', 'two', 'three'));
    const waiting = bench.jobs.waitForAll(idsOf(ordered), { waitMs: 45_000 });
    await bench.clock.advance(45_000);
    expect((await waiting).map(({ state }) => state)).toEqual(['saved', 'failed', 'saved']);
  });

  it('because it cannot be recorded is reported as a failed one, and reserves nothing', async () => {
    const { add } = bench.jobStore;
    const full = thrown({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
    bench.jobStore.add = (job) => (job.request.prompt === 'two' ? Promise.reject(full) : add.call(bench.jobStore, job));
    const ordered = await bench.orderAll(entries('one', 'two', 'three'));
    expect(ordered.map(({ job }) => job.state)).toEqual(['queued', 'failed', 'queued']);
    const waiting = bench.jobs.waitForAll(idsOf(ordered), { waitMs: 45_000 });
    await bench.clock.advance(45_000);
    expect((await waiting).map(({ state, failure }) => [state, failure?.kind])).toEqual([
      ['saved', undefined],
      ['failed', 'storage_failed'],
      ['saved', undefined],
    ]);
    expect(await bench.jobs.check(ordered[1]?.job.id ?? '')).toMatchObject({ state: 'failed' });
    expect(await totals()).toMatchObject({ images: 2 });
  });

  it('because nothing can be recorded at all refuses the call', async () => {
    const full = thrown({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
    bench.jobStore.add = () => Promise.reject(full);
    expect((await failureOf(bench.orderAll(entries('one', 'two')))).kind).toBe('storage_failed');
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
  });
});

describe('waiting for all', () => {
  it('returns all of them when the time is up', async () => {
    bench.provider.readings = [remoteJob('processing')];
    const ordered = await bench.orderAll(entries('one', 'two'));
    const waiting = bench.jobs.waitForAll(idsOf(ordered), { waitMs: 5_000 });
    await bench.clock.advance(5_000);
    expect((await waiting).map(({ id, state }) => [id, state])).toEqual([
      ['job_1', 'processing'],
      ['job_2', 'processing'],
    ]);
  });

  it('reports how many have ended and how long the rest may take, never all of them and never backwards', async () => {
    start({ plan: 'starter' });
    const reported: BatchProgress[] = [];
    const ordered = await bench.orderAll(entries('1', '2', '3', '4', '5', '6', '7'));
    for (const n of [1, 2, 3, 4, 5, 6, 7]) bench.provider.readingOf.set(`dt_${n}`, remoteJob('processing'));
    const waiting = bench.jobs.waitForAll(idsOf(ordered), { waitMs: 300_000, onTick: (one) => reported.push(one) });
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      await bench.clock.advance(10_000);
      bench.provider.readingOf.set(`dt_${n}`, remoteJob('completed'));
    }
    await bench.clock.advance(30_000);
    expect((await waiting).every(({ state }) => state === 'saved')).toBe(true);
    const done = reported.map((one) => one.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(0)).toBe(0);
    expect(Math.max(...done)).toBe(6);
    for (const { total, fraction, leftMs } of reported) {
      expect(total).toBe(7);
      expect(fraction).toBeLessThan(1);
      expect(leftMs).toBeGreaterThan(0);
    }
    // Three at a time, of 20 s each as long as nothing is learnt: seven take three rounds.
    expect(reported[0]?.leftMs).toBeGreaterThan(40_000);
  });

  it('ends with the caller, and what was sent goes on', async () => {
    bench.provider.readings = [remoteJob('processing')];
    const ordered = await bench.orderAll(entries('one', 'two'));
    const caller = new AbortController();
    const waiting = bench.jobs.waitForAll(idsOf(ordered), { waitMs: 45_000, signal: caller.signal });
    await bench.clock.advance(1_000);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect((await bench.recorded('job_2')).state).toBe('processing');
  });
});
