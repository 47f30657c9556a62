/** Proves that a user takes an order back as long as it has not been sent, whichever process is about to send it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { type Bench, createBench, type OneProcess, REQUEST, startProcess } from './fakes.ts';

const MINUTE = 60_000;
const CANCELLED = { state: 'failed', failure: { kind: 'interrupted', creditsSpent: 'no' } };

let bench: Bench;
/** As the shell command is: a process of its own. */
let shell: OneProcess;
function start(...settings: Parameters<typeof createBench>): void {
  bench = createBench(...settings);
  shell = startProcess(2, bench);
}
beforeEach(() => start({ plan: 'free' }));
afterEach(() => Promise.all([bench.jobs.close(), shell.jobs.close()]));

const another = (n: number) => ({ ...REQUEST, prompt: `fox number ${n}` });
const sent = (): string[] => bench.provider.submitted.map(({ prompt }) => prompt);
const totals = async () => totalsOf((await bench.limits.state()).reservations, bench.clock.now());

describe('an order that another process is about to send', () => {
  it('is not sent any more while it waits for a slot, and gives back what it had reserved', async () => {
    bench.provider.readings = ['stall'];
    await bench.order(another(1));
    await bench.order(another(2));
    await bench.clock.advance(1_000);
    const waiting = bench.jobs.waitFor('job_2', { waitMs: 45_000 });
    expect(await shell.jobs.cancel('job_2')).toMatchObject(CANCELLED);
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 20 });
    await bench.clock.advance(3_000);
    expect(await waiting).toMatchObject({ ...CANCELLED, failure: { reason: { code: 'user_cancelled' } } });
    await bench.limits.note({ ...(await bench.recorded('job_1')), state: 'completed' });
    await bench.clock.advance(5 * MINUTE);
    expect(sent()).toEqual(['fox number 1']);
    expect(await bench.recorded('job_2')).toMatchObject(CANCELLED);
  });

  it('is not sent any more while it waits for a permit, and its slot is free for the next one', async () => {
    await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
    await bench.order(another(1));
    await bench.clock.advance(1_000);
    expect(await totals()).toMatchObject({ slotsInUse: 1 });
    await shell.jobs.cancel('job_1');
    expect(await totals()).toMatchObject({ images: 0, slotsInUse: 0, reservedCredits: 0 });
    await bench.order(another(2));
    await bench.clock.advance(MINUTE);
    expect(sent()).toEqual(['fox number 2']);
    expect(await bench.recorded()).toMatchObject(CANCELLED);
  });

  it('is not sent when it is taken back right before it would be recorded as submitting', async () => {
    start({ onSubmission: async () => void (await shell.jobs.cancel('job_1')) });
    await bench.order(REQUEST);
    await bench.clock.advance(MINUTE);
    expect(sent()).toEqual([]);
    expect(bench.provider.prepared).toHaveLength(1);
    expect(await bench.recorded()).toMatchObject(CANCELLED);
  });
});

it('an order that may have left is neither taken back nor sent twice', async () => {
  let answer: unknown;
  bench.provider.onSending = () => void shell.jobs.cancel('job_1').then((job) => (answer = job));
  await bench.order(REQUEST);
  await bench.clock.advance(MINUTE);
  expect(answer).toMatchObject({ id: 'job_1', state: 'submitting' });
  expect(sent()).toHaveLength(1);
  expect((await bench.recorded()).state).toBe('saved');
});
