/**
 * Proves that a picture stays in its folder when a link takes the folder's place in the middle of saving it.
 *
 * The swap happens at one chosen call, again and again, where a real attacker would have to be lucky.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import type * as FileSystem from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import type { Picture, PictureLabel } from '../../../src/core/image-store.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createImageFolder } from '../../../src/storage/image-folder.ts';
import { CREATED_AT } from '../core/sample-jobs.ts';

/** Called before the system is asked for a file of that name. */
const hook = vi.hoisted(() => ({ before: (_call: string, _path: string): void => undefined }));

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof FileSystem>();
  return {
    ...fs,
    open: (path: string, ...rest: [string, number?]) => {
      hook.before('open', path);
      return fs.open(path, ...rest);
    },
    link: (from: string, to: string) => {
      hook.before('link', to);
      return fs.link(from, to);
    },
    lstat: (path: string, options: object) => {
      hook.before('lstat', path);
      return fs.lstat(path, options);
    },
  };
});

const picture: Picture = { bytes: new Uint8Array([255, 216, 255, 1]), mediaType: 'image/jpeg', extension: 'jpg' };
const label: PictureLabel = { jobId: 'job_1', prompt: 'a fox', createdAt: CREATED_AT, about: {} };

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'flux-swap-'));
  for (const name of ['pictures', 'pictures/2026-11', 'outside']) mkdirSync(join(base, name));
});
afterEach(() => {
  hook.before = () => undefined;
  Reflect.deleteProperty(process, 'permission');
  rmSync(base, { recursive: true, force: true });
});

const store = () => createImageFolder(join(base, 'pictures'), { clock: systemClock, isPicture: () => true });
const namesIn = (name: string): string[] => readdirSync(join(base, name));

/** A link to the folder outside takes the place of the month's folder, once. */
function swapAt(fits: (call: string, path: string) => boolean): void {
  let isSwapped = false;
  hook.before = (call, path) => {
    if (isSwapped || !fits(call, path)) return;
    isSwapped = true;
    renameSync(join(base, 'pictures/2026-11'), join(base, 'aside'));
    symlinkSync(join(base, 'outside'), join(base, 'pictures/2026-11'));
  };
}

async function expectLedAway(work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FluxError);
  expect((error as FluxError).failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'yes' });
}

const moments: Record<string, (call: string, path: string) => boolean> = {
  'before the folder is opened': (call, path) => call === 'open' && path.endsWith('2026-11'),
  'before the picture is written': (call, path) => call === 'open' && path.endsWith('.part'),
  'before the picture gets its name': (call) => call === 'link',
  'before the note next to it is written': (call, path) => call === 'open' && path.endsWith('.json'),
};

describe.skipIf(process.platform === 'win32').each([
  ['by the open folder', false],
  ['by names, where those are all there is', true],
])('a picture that is saved %s', (_, byNames) => {
  it.each(Object.entries(moments))('stays inside when the folder is swapped %s', async (_moment, fits) => {
    if (byNames) Object.defineProperty(process, 'permission', { value: {}, configurable: true });
    swapAt(fits);
    await expectLedAway(store().save(picture, label));
    expect(namesIn('outside')).toEqual([]);
    // By names, what was written before the swap is out of reach.
    if (!byNames) expect(namesIn('aside')).toEqual([]);
  });
});

describe.skipIf(process.platform === 'win32')('a picture that is read', () => {
  it('comes from its folder or not at all when the folder is swapped meanwhile', async () => {
    const file = await store().save(picture, label);
    await createImageFolder(join(base, 'x'), { clock: systemClock, isPicture: () => true })
      .save({ ...picture, bytes: new Uint8Array([9, 9, 9]) }, label)
      .then((other) => renameSync(other, join(base, 'outside', 'a-fox_job_1.jpg')));
    swapAt((call, path) => call === 'open' && path.endsWith('.jpg'));
    await expectLedAway(store().read(file));
  });
});
