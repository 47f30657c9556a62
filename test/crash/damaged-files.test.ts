/** Files of the state folder that were cut in the middle: no crash, a clear message, nothing paid twice. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { App } from '../../src/app.ts';
import type { JobState } from '../../src/core/job.ts';
import { createDrivenClock, type DrivenClock } from '../support/driven-clock.ts';
import { placeOrder } from '../support/place-orders.ts';
import { recordFile, valueFile } from '../support/state-files.ts';
import { wordsOf } from '../support/words.ts';
import { listedIn } from '../support/listed-jobs.ts';
import { recordsFolder } from './books.ts';
import { openApp, orderToTheEnd, refusalOf, SIDES } from './single-app.ts';
import { type Stage, type StageOptions, setStage } from './stage.ts';

/** How much of a file is left. */
const CUTS = [0, 0.5, 0.98];

const open: { apps: App[]; stage?: Stage; clock?: DrivenClock } = { apps: [] };
afterEach(async () => {
  for (const app of open.apps.splice(0)) await app.close();
  await open.stage?.close();
  open.clock?.stop();
  delete open.stage;
});

type Scene = { clock: DrivenClock; stage: Stage; app: Awaited<ReturnType<typeof openApp>>; restart(): Promise<void> };

async function start(options: StageOptions = {}): Promise<Scene> {
  const clock = createDrivenClock();
  open.clock = clock;
  clock.keepPassing();
  const stage = await setStage(clock, { sandbox: { jobDurationMs: 5_000 }, ...options });
  open.stage = stage;
  const scene = {
    clock,
    stage,
    app: await openApp(stage, clock),
    restart: async () => {
      await scene.app.close();
      scene.app = await openApp(stage, clock);
      open.apps.push(scene.app);
    },
  };
  open.apps.push(scene.app);
  return scene;
}

async function cut(path: string, share: number): Promise<void> {
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.slice(0, Math.floor(text.length * share)));
}

async function untilProcessing({ app, clock }: Scene, id: string): Promise<void> {
  const early: readonly (JobState | undefined)[] = ['queued', 'submitting'];
  await clock.until(async () => !early.includes((await app.jobs.find(id))?.state));
}

describe.each(CUTS)('the record of a job, cut to %s of its length', (share) => {
  it('between two sessions: it is kept aside, the others stay known, and the same order is not paid again', async () => {
    const scene = await start({ sandbox: { jobDurationMs: 60_000 } });
    const { job } = await placeOrder(scene.app.jobs, { prompt: 'a wren', ...SIDES });
    await untilProcessing(scene, job.id);
    await untilProcessing(scene, (await placeOrder(scene.app.jobs, { prompt: 'a robin', ...SIDES })).job.id);
    await scene.restart();
    await cut(recordFile(recordsFolder(scene.stage), job.id), share);

    expect(await listedIn(scene.app.jobs)).toHaveLength(1);
    expect(await readdir(join(recordsFolder(scene.stage), 'damaged'))).toHaveLength(1);
    expect(scene.app.logged.join('\n')).toContain(job.id);

    // Whatever else is said to the caller: the paid job that the record was of is not ordered again, however often.
    for (const call of [1, 2]) {
      const refused = await refusalOf(orderToTheEnd(scene.app, 'a wren')).catch((error: unknown) => error);
      expect(scene.stage.sandbox.inspect().charges).toHaveLength(2);
      expect(refused, `call ${call}`).toMatchObject({ kind: 'storage_failed', creditsSpent: 'maybe' });
    }
  });

  it('while its picture is made: the call that waits is told, and nothing is ordered again', async () => {
    const scene = await start();
    const { job } = await placeOrder(scene.app.jobs, { prompt: 'a wren', ...SIDES });
    await untilProcessing(scene, job.id);
    const waiting = scene.app.jobs.waitFor(job.id, { waitMs: 60_000 });
    await cut(recordFile(recordsFolder(scene.stage), job.id), share);
    const { failure } = await waiting;
    expect(failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'maybe' });
    expect(failure && wordsOf(failure).what).toContain(recordsFolder(scene.stage));
    expect(scene.stage.sandbox.inspect().charges).toHaveLength(1);
  });
});

describe.each(CUTS)('the shared reservations, cut to %s of its length', (share) => {
  it('between two sessions: the records tell what is under way and what the day has cost', async () => {
    const scene = await start({ sandbox: { jobDurationMs: 60_000 }, settings: { maxImagesPerDay: 2 } });
    const { job } = await placeOrder(scene.app.jobs, { prompt: 'a wren', ...SIDES });
    await untilProcessing(scene, job.id);
    await untilProcessing(scene, (await placeOrder(scene.app.jobs, { prompt: 'a robin', ...SIDES })).job.id);
    await scene.restart();
    await cut(valueFile(recordsFolder(scene.stage), 'reservations'), share);

    expect(await placeOrder(scene.app.jobs, { prompt: 'a wren', ...SIDES })).toMatchObject({
      duplicate: true,
      job: { id: job.id },
    });
    expect((await refusalOf(orderToTheEnd(scene.app, 'a jay'))).kind).toBe('over_budget');
    expect((await scene.app.jobs.limits()).daily.used).toBe(2);
    expect(scene.stage.sandbox.inspect().charges).toHaveLength(2);
  });

  it('while a picture is made: it is saved, and its price counted', async () => {
    const scene = await start();
    const { job } = await placeOrder(scene.app.jobs, { prompt: 'a wren', ...SIDES });
    await untilProcessing(scene, job.id);
    await cut(valueFile(recordsFolder(scene.stage), 'reservations'), share);
    expect(await orderToTheEnd(scene.app, 'a wren')).toMatchObject({ duplicate: true, job: { state: 'saved' } });
    expect((await scene.app.jobs.limits()).credits).toMatchObject({ spentToday: 10, reserved: 0 });
    expect(scene.stage.sandbox.inspect().charges).toHaveLength(1);
  });
});

it.each(CUTS)('the shared rate state, cut to %s of its length: orders go on', async (share) => {
  const scene = await start();
  expect((await orderToTheEnd(scene.app, 'a wren')).job.state).toBe('saved');
  await cut(valueFile(recordsFolder(scene.stage), 'rate-state'), share);
  expect((await orderToTheEnd(scene.app, 'a robin')).job.state).toBe('saved');
  await cut(valueFile(recordsFolder(scene.stage), 'rate-state'), share);
  await scene.restart();
  expect(await orderToTheEnd(scene.app, 'a robin')).toMatchObject({ duplicate: true, job: { state: 'saved' } });
  expect(scene.stage.sandbox.inspect().charges).toHaveLength(2);
});
