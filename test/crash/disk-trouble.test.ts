/** A disk that is full, or takes no writes: no crash, a clear message, nothing paid twice. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { App, AppSettings } from '../../src/app.ts';
import { createDrivenClock, type DrivenClock } from '../support/driven-clock.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { placeOrder } from '../support/place-orders.ts';
import { wordsOf } from '../support/words.ts';
import { LONG_MS, openApp, orderToTheEnd, refusalOf, SIDES } from './single-app.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { type Stage, setStage } from './stage.ts';

const open: { app?: App; stage?: Stage; disk?: SmallDisk; clock?: DrivenClock } = {};
afterEach(async () => {
  await open.app?.close();
  await open.stage?.close();
  open.clock?.stop();
  await open.disk?.unmount();
  for (const key of ['app', 'stage', 'disk', 'clock'] as const) delete open[key];
});

async function start(
  settings: Partial<AppSettings>,
  deps: Parameters<typeof openApp>[2] = {},
): Promise<{ app: App; stage: Stage }> {
  const clock = createDrivenClock();
  open.clock = clock;
  clock.keepPassing();
  const stage = await setStage(clock, { sandbox: { jobDurationMs: 3_000 }, settings });
  open.stage = stage;
  open.app = await openApp(stage, clock, deps);
  return { app: open.app, stage };
}

const submissions = (stage: Stage): number =>
  stage.witness.arrivals().filter(({ prompt }) => prompt !== undefined).length;

const probe = await mountSmallDisk('full');
await probe?.unmount();
if (probe === undefined) console.warn('this machine allows no mounts: full and read-only disks are not tried');

describe.skipIf(probe === undefined).each(['full', 'read-only'] as const)('a disk that is %s', (trouble) => {
  const mount = async (): Promise<SmallDisk> => {
    const disk = await mountSmallDisk(trouble);
    if (disk === undefined) throw new Error('the disk could not be mounted again');
    open.disk = disk;
    return disk;
  };

  it('before an order: nothing is sent, and the folder is named', async () => {
    const disk = await mount();
    const { app, stage } = await start({ stateDir: join(disk.folder, 'state') });
    await disk.stop();
    const refused = await refusalOf(orderToTheEnd(app, 'a wren'));
    expect(refused).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
    expect(wordsOf(refused).what).toContain(disk.folder);
    expect(submissions(stage)).toBe(0);

    await disk.goOn();
    expect((await orderToTheEnd(app, 'a wren')).job.state).toBe('saved');
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
  });

  it('where the picture is to be saved, before an order: nothing is sent, and the folder is named', async () => {
    const disk = await mount();
    const outputDir = join(disk.folder, 'pictures');
    const { app, stage } = await start({ outputDir });
    await disk.stop();
    const refused = await refusalOf(orderToTheEnd(app, 'a wren'));
    expect(refused).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
    expect(wordsOf(refused).what).toContain(outputDir);
    expect(submissions(stage)).toBe(0);

    await disk.goOn();
    expect((await orderToTheEnd(app, 'a wren')).job.state).toBe('saved');
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
  });

  it('after an order was recorded and before it was sent: nothing is sent', async () => {
    const disk = await mount();
    let stopsNext = false;
    // Right before the order is recorded as submitting.
    const opened = async (): Promise<void> => (stopsNext ? disk.stop() : undefined);
    const { app, stage } = await start(
      { stateDir: join(disk.folder, 'state'), webhookUrl: 'http://127.0.0.1:9/', webhookSecret: 'whsec_never_used' },
      { listenerFor: async () => ({ open: opened, close: async () => undefined }) },
    );
    await orderToTheEnd(app, 'a first wren');
    stopsNext = true;
    const { job } = await placeOrder(app.jobs, { prompt: 'a wren', ...SIDES });
    const { failure } = await app.jobs.waitFor(job.id, { waitMs: LONG_MS });
    expect(failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
    expect(wordsOf(failure).what).toContain(disk.folder);
    expect(submissions(stage)).toBe(1);

    stopsNext = false;
    await disk.goOn();
    expect(await orderToTheEnd(app, 'a wren')).toMatchObject({ duplicate: false, job: { state: 'saved' } });
    expect(stage.sandbox.inspect().charges).toHaveLength(2);
  });

  it('while the service answers: the order is paid for, and what was answered is written when the disk is back', async () => {
    const disk = await mount();
    const { app, stage } = await start({ stateDir: join(disk.folder, 'state') });
    stage.witness.onOrder = disk.stop;
    const { job } = await orderToTheEnd(app, 'a wren');
    expect(job.failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'yes' });
    expect(wordsOf(job.failure).what).toContain(disk.folder);

    stage.witness.onOrder = undefined;
    await disk.goOn();
    const again = await orderToTheEnd(app, 'a wren');
    expect(again.duplicate).toBe(true);
    expect(again.job).toMatchObject({ id: job.id, state: 'saved' });
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
    expect(submissions(stage)).toBe(1);
  });

  it('when the picture is to be saved: it is paid for, and saved later', async () => {
    const disk = await mount();
    const { app, stage } = await start({ outputDir: join(disk.folder, 'pictures') });
    stage.witness.onOrder = disk.stop;
    const { job } = await orderToTheEnd(app, 'a wren');
    stage.witness.onOrder = undefined;
    expect(job).toMatchObject({ state: 'completed', failure: { kind: 'storage_failed', creditsSpent: 'yes' } });
    expect(wordsOf(job.failure).what).toContain(disk.folder);
    await decodeJpeg((await app.jobs.pictures.read(job)) ?? new Uint8Array());

    await disk.goOn();
    await app.jobs.check(job.id);
    const saved = await app.jobs.waitFor(job.id, { waitMs: LONG_MS });
    expect(saved.state).toBe('saved');
    await decodeJpeg((await app.jobs.pictures.read(saved)) ?? new Uint8Array());
    expect(stage.sandbox.inspect().charges).toHaveLength(1);
  });
});

describe('a folder that nobody can write', () => {
  let folder = '';
  afterEach(async () => {
    await chmod(folder, 0o700);
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    { what: 'below a file', mode: 0o700, path: join('file', 'state') },
    // The rights of a folder do not bind root.
    ...(process.getuid?.() === 0 ? [] : [{ what: 'without the right to write', mode: 0o500, path: 'state' }]),
  ])('$what: nothing is sent, and it is named', async ({ mode, path }) => {
    folder = await mkdtemp(join(tmpdir(), 'flux-closed-'));
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'state'));
    await chmod(join(folder, 'state'), mode);
    const { app, stage } = await start({ stateDir: join(folder, path) });
    const refused = await refusalOf(orderToTheEnd(app, 'a wren'));
    expect(refused).toMatchObject({ kind: 'storage_failed', creditsSpent: 'no' });
    expect(wordsOf(refused).what).toContain(join(folder, path));
    expect(submissions(stage)).toBe(0);
  });
});
