/** Proves that nothing is paid twice and nothing stays reserved, wherever a call stops between its proposal and its records. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SharedValues } from '../../../src/core/shared-value.ts';
import { Limits } from '../../../src/limits/limits.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { createUnkeptValues } from '../../../src/storage/nothing-kept.ts';
import { propose } from '../../support/place-orders.ts';
import { remoteJob } from '../core/sample-jobs.ts';
import { listedIn } from '../../support/listed-jobs.ts';
import { type Bench, createBench, type OneProcess, REQUEST, type Shared, startProcess, thrown } from './fakes.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const full = thrown({ kind: 'storage_failed', creditsSpent: 'no', retry: 'later' });

let bench: Bench;
let open: OneProcess[];
beforeEach(() => {
  bench = createBench({ plan: 'pro' });
  open = [bench];
});
afterEach(() => Promise.all(open.map(({ jobs }) => jobs.close())));

function another(pid: number, settings: Parameters<typeof startProcess>[2] = {}): Bench & OneProcess {
  const started = startProcess(pid, bench, settings);
  open.push(started);
  return started;
}

/** Proposed, and about to be committed. */
async function ready(prompts: readonly string[], { jobs }: OneProcess = bench) {
  const proposal = await propose(
    jobs,
    prompts.map((prompt) => ({ request: { ...REQUEST, prompt } })),
  );
  if (proposal.type !== 'ready') throw new Error(`the call is not ready: ${proposal.type}`);
  return proposal;
}

const sent = (): string[] => open.flatMap(({ provider }) => provider.submitted.map(({ prompt }) => prompt));
const totals = async (of: Shared = bench) => totalsOf((await of.limits.state()).reservations, of.clock.now());

describe('a call that stands still after its proposal', () => {
  it('gets the picture that another process has ordered and saved meanwhile: one charge', async () => {
    const other = another(2);
    const proposal = await ready(['a fox']);
    await other.order(REQUEST);
    await bench.clock.advance(60_000);
    expect((await bench.recorded()).state).toBe('saved');

    expect(await bench.jobs.commit(proposal)).toMatchObject([
      { job: { id: 'job_1', state: 'saved' }, duplicate: true },
    ]);
    await bench.clock.advance(60_000);
    expect(sent()).toEqual(['a fox']);
    expect(await totals()).toEqual({ images: 1, spentCredits: 12, reservedCredits: 0, slotsInUse: 0 });
  });

  it('gets it also when the reservation of the other one is forgotten by then, and orders what else is new', async () => {
    const other = another(2);
    const proposal = await ready(['a fox', 'a hare']);
    await other.order(REQUEST);
    await bench.clock.advance(20 * 60_000);
    const ordered = await bench.jobs.commit(proposal);
    expect(ordered.map(({ job, duplicate }) => [job.request.prompt, duplicate])).toEqual([
      ['a fox', true],
      ['a hare', false],
    ]);
    await bench.clock.advance(60_000);
    expect(sent()).toEqual(['a hare', 'a fox']);
    expect(await totals()).toMatchObject({ images: 2, reservedCredits: 0 });
  });

  it('is told of the one that was moderated meanwhile', async () => {
    const other = another(2);
    other.provider.submissions = [
      remoteJob('failed', { failure: thrown({ kind: 'moderated', creditsSpent: 'yes', retry: 'no' }).failure }),
    ];
    const proposal = await ready(['a fox']);
    await other.order(REQUEST);
    await bench.clock.advance(1_000);
    const [ordered] = await bench.jobs.commit(proposal);
    expect(ordered).toMatchObject({ job: { id: 'job_1', failure: { kind: 'moderated' } }, duplicate: true });
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 0 });
  });

  it('orders anew what has failed otherwise meanwhile', async () => {
    const other = another(2);
    other.provider.submissions = [remoteJob('failed')];
    const proposal = await ready(['a fox']);
    await other.order(REQUEST);
    await bench.clock.advance(1_000);
    expect(await bench.jobs.commit(proposal)).toMatchObject([{ duplicate: false }]);
  });

  it('orders its own picture where that was wanted', async () => {
    const proposal = await propose(bench.jobs, [{ request: REQUEST, allowDuplicate: true }]);
    if (proposal.type !== 'ready') throw new Error('the call is not ready');
    await another(2).order(REQUEST);
    await bench.clock.advance(60_000);
    expect(await bench.jobs.commit(proposal)).toMatchObject([{ duplicate: false }]);
    await bench.clock.advance(60_000);
    expect(sent()).toEqual(['a fox', 'a fox']);
  });

  it('is refused where the other one has used up the budget with something else', async () => {
    const poor = another(2, { maxImagesPerDay: 1 });
    const proposal = await ready(['a hare'], poor);
    await bench.order(REQUEST);
    await bench.clock.advance(60_000);
    await expect(poor.jobs.commit(proposal)).rejects.toMatchObject({ failure: { kind: 'over_budget' } });
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 0 });
  });
});

describe('the search after an admission', () => {
  it('that fails leaves nothing reserved, and the next equal call orders', async () => {
    const proposal = await ready(['a fox']);
    const { equal } = bench.jobStore;
    bench.jobStore.equal = () => Promise.reject(full);
    await expect(bench.jobs.commit(proposal)).rejects.toMatchObject({ failure: { kind: 'storage_failed' } });
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
    bench.jobStore.equal = equal;
    expect(await bench.order(REQUEST)).toMatchObject({ duplicate: false });
  });
});

describe('an admission that cannot be written', () => {
  type Fault = 'before' | 'after' | undefined;

  /** `after`: the value has been replaced, and that it is safe on the disk cannot be said. */
  function onBadDisk(next: { fault: Fault }): Shared & OneProcess {
    const values = createUnkeptValues();
    const failing: SharedValues = {
      ...values,
      open(spec) {
        const value = values.open(spec);
        return {
          ...value,
          async replace(version, changed, durability) {
            const fault = spec.name === 'reservations' ? next.fault : undefined;
            if (fault !== undefined) next.fault = undefined;
            if (fault === 'before') throw full;
            const replacement = await value.replace(version, changed, durability);
            if (fault === 'after') throw full;
            return replacement;
          },
        };
      },
    };
    const { clock, jobStore, events, living, ids } = bench;
    const limits = new Limits(failing, { clock, log: silent, plan: 'pro', jobs: async () => [] });
    const started = startProcess(2, { clock, limits, jobStore, events, living, ids });
    open.push(started);
    return started;
  }

  it.each(['before', 'after'] as const)(
    '(%s it has taken effect) leaves nothing reserved, and the next equal call orders at once',
    async (fault) => {
      const next: { fault: Fault } = { fault };
      const one = onBadDisk(next);
      await expect(one.order(REQUEST)).rejects.toMatchObject({
        failure: { kind: 'storage_failed', creditsSpent: 'no' },
      });
      expect(next.fault).toBeUndefined();
      expect(await totals(one)).toEqual({ images: 0, spentCredits: 0, reservedCredits: 0, slotsInUse: 0 });

      const begun = bench.clock.now();
      expect(await one.order(REQUEST)).toMatchObject({ duplicate: false });
      expect(bench.clock.now()).toBe(begun);
      await bench.clock.advance(60_000);
      expect(sent()).toEqual(['a fox']);
      expect(await totals(one)).toMatchObject({ images: 1, reservedCredits: 0 });
    },
  );

  it('leaves nothing reserved of a call for several pictures', async () => {
    const one = onBadDisk({ fault: 'after' });
    const call = ['one', 'two', 'three'].map((prompt) => ({ request: { ...REQUEST, prompt } }));
    await expect(one.orderAll(call)).rejects.toMatchObject({ failure: { kind: 'storage_failed' } });
    expect(await totals(one)).toMatchObject({ images: 0, reservedCredits: 0 });
    expect((await one.orderAll(call)).map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
  });
});

describe('a call that waits for the record of an equal order', () => {
  /** Process 2 is about to record its fox for a minute. */
  async function slowlyRecorded(): Promise<void> {
    const add = bench.jobStore.add.bind(bench.jobStore);
    bench.jobStore.add = async (job) => {
      if (job.owner.pid === 2) await bench.clock.sleep(50_000);
      await add(job);
    };
    void another(2).order(REQUEST);
    await bench.clock.advance(0);
  }

  it('ends as soon as it is cancelled, and takes back what it has ordered itself and not sent', async () => {
    bench = createBench({ plan: 'free' });
    open.push(bench);
    await slowlyRecorded();
    const caller = new AbortController();
    const committing = bench.jobs.commit(await ready(['a fox', 'a hare']), caller.signal);
    const ended = expect(committing).rejects.toThrow('the host has cancelled the call');
    await bench.clock.advance(1_000);
    caller.abort(new Error('the host has cancelled the call'));
    await bench.clock.advance(1_000);
    await ended;
    await bench.clock.advance(120_000);
    expect(sent()).toEqual(['a fox']);
    const [hare] = (await listedIn(bench.jobs)).filter(({ request }) => request.prompt === 'a hare');
    expect(hare).toMatchObject({ state: 'failed', failure: { creditsSpent: 'no' } });
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 0 });
  });
});
