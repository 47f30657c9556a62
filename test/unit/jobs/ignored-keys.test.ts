/**
 * Proves what is learnt of a service that makes another job of a repeated idempotency key, and that it is sent no open
 * order again by itself. The service here is scripted: how one that ignores keys really answers is not known.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../../src/core/image-provider.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { jobText, jobView } from '../../../src/mcp/job-view.ts';
import { createPlainWireMemory } from '../../support/plain-wire-memory.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { type Bench, createBench, type OneProcess, REQUEST, startProcess, thrown } from './fakes.ts';

const MINUTE = 60_000;
const LOST = thrown({ kind: 'ambiguous', retry: 'same_job' });

let first: Bench;
let keys: ReturnType<typeof createPlainWireMemory>['keys'];
beforeEach(() => {
  keys = createPlainWireMemory().keys;
  first = createBench({ keys });
});

/** The first process stands still while it sends, the second one sends the order again, and both get an answer. */
async function twoAnswers(
  ofFirst: string,
  ofSecond: string,
  reading = remoteJob('processing'),
): Promise<Bench & OneProcess> {
  let thaw: (result: SendResult) => void = () => undefined;
  first.provider.send = () => new Promise((resolve) => (thaw = resolve));
  await first.order(REQUEST);
  await first.clock.advance(100);
  first.living.delete(1);
  const second = startProcess(2, first);
  second.provider.submissions = [remoteJob('processing', { remoteId: ofSecond })];
  second.provider.readings = [reading];
  second.jobs.watch();
  await second.clock.advance(5_000);
  thaw({ type: 'accepted', job: remoteJob('completed', { remoteId: ofFirst, creditCost: 20 }) });
  await second.clock.advance(1_000);
  return second;
}

const totals = async () => totalsOf((await first.limits.state()).reservations, first.clock.now());

const close = (...processes: OneProcess[]) => Promise.all(processes.map(({ jobs }) => jobs.close()));

describe('a second job of one order', () => {
  it('is recorded, named in every answer, and does not take the place of the first', async () => {
    const second = await twoAnswers('dt_b', 'dt_a');
    const job = await second.recorded();
    expect(job).toMatchObject({ state: 'processing', remoteId: 'dt_a', secondRemoteId: 'dt_b' });
    expect(job.credits.exact).toBeNull();
    expect(await keys.areIgnored()).toBe(true);
    const options = { now: second.clock.now() };
    expect(jobText(jobView(job, options), job)).toContain('made two jobs from this order ("dt_a" and "dt_b")');
    second.provider.readings = [remoteJob('completed')];
    await second.clock.advance(MINUTE);
    expect(await second.recorded()).toMatchObject({ state: 'saved', remoteId: 'dt_a', secondRemoteId: 'dt_b' });
    await close(first, second);
  });

  it('is counted at the highest price, next to that of the first', async () => {
    const second = await twoAnswers('dt_b', 'dt_a');
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 0, reservedCredits: 40 });
    second.provider.readings = [remoteJob('completed', { creditCost: 12 })];
    await second.clock.advance(MINUTE);
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 32, reservedCredits: 0 });
    await close(first, second);
  });

  it('is counted also when the first has ended before, once', async () => {
    const second = await twoAnswers('dt_b', 'dt_a', remoteJob('completed', { creditCost: 12 }));
    expect(await second.recorded()).toMatchObject({ state: 'saved', secondRemoteId: 'dt_b' });
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 32, reservedCredits: 0 });
    await first.limits.note(await second.recorded());
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 32 });
    await close(first, second);
  });

  it('is none when both answers name the same job', async () => {
    const second = await twoAnswers('dt_a', 'dt_a');
    expect(await second.recorded()).toMatchObject({ state: 'saved', remoteId: 'dt_a' });
    expect(await second.recorded()).not.toHaveProperty('secondRemoteId');
    expect(await totals()).toMatchObject({ images: 1, spentCredits: 20, reservedCredits: 0 });
    expect(await keys.areIgnored()).toBe(false);
    await close(first, second);
  });
});

describe('an order without an answer at a service that ignores keys', () => {
  beforeEach(() => keys.noteIgnored());
  const failure = { kind: 'ambiguous', reason: { code: 'keys_ignored' }, creditsSpent: 'maybe', retry: 'no' };
  const sent = (): number => first.provider.submitted.length;

  it('is not sent again by itself, by an equal order, or by who asks for it', async () => {
    first.provider.submissions = [{ again: 'generate', failure: LOST.failure }];
    await first.order(REQUEST);
    await first.clock.advance(MINUTE);
    expect(await first.recorded()).toMatchObject({ state: 'unknown', failure });
    const again = first.order(REQUEST);
    await first.clock.advance(5_000);
    expect(await again).toMatchObject({ duplicate: true, job: { state: 'unknown', failure } });
    await first.jobs.check('job_1');
    await first.clock.advance(60 * MINUTE);
    expect(sent()).toBe(1);
    await close(first);
  });

  it('is not sent again by a process that finds it', async () => {
    await first.jobStore.add(sampleJob({ state: 'submitting', createdAt: first.clock.now(), owner: owner(7) }));
    first.jobs.watch();
    await first.clock.advance(5_000);
    expect(await first.recorded()).toMatchObject({ state: 'unknown', failure });
    expect(sent()).toBe(0);
    await close(first);
  });

  it('is sent again once by jobs resume', async () => {
    first.provider.submissions = [LOST];
    await first.order(REQUEST);
    await first.clock.advance(MINUTE);
    expect(sent()).toBe(1);
    first.provider.submissions = [{ again: 'generate', failure: LOST.failure }];
    void first.jobs.resumeAll();
    await first.clock.advance(MINUTE);
    expect(sent()).toBe(2);
    first.provider.submissions = [remoteJob('processing')];
    void first.jobs.resumeAll();
    await first.clock.advance(MINUTE);
    expect(sent()).toBe(3);
    expect((await first.recorded()).state).toBe('saved');
    await close(first);
  });

  it('is sent in another encoding when it was refused for its encoding: nothing was carried out', async () => {
    first.provider.submissions = [{ again: 'generateImage' }, remoteJob('processing')];
    await first.order(REQUEST);
    await first.clock.advance(MINUTE);
    expect(sent()).toBe(2);
    expect((await first.recorded()).state).toBe('saved');
    await close(first);
  });
});
