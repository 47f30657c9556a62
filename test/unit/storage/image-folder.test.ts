/** Proves that pictures land inside the output folder, whole, and never in place of another file. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { Picture, PictureLabel } from '../../../src/core/image-store.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createImageFolder } from '../../../src/storage/image-folder.ts';
import { wordsOf } from '../../support/words.ts';
import { CREATED_AT } from '../core/sample-jobs.ts';

const picture: Picture = { bytes: new Uint8Array([255, 216, 255, 1, 2, 3]), mediaType: 'image/jpeg', extension: 'jpg' };
const about = { width: 1_024, height: 768, version: 'flux-pro-1.1', credits: 12, doitong_id: undefined };
const label: PictureLabel = { jobId: 'job_1', prompt: 'a fox', createdAt: CREATED_AT, about };

let base: string;
let root: string;
const isPicture = (bytes: Uint8Array): boolean => bytes[0] === 255;
const store = () => createImageFolder(root, { clock: systemClock, isPicture });

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'flux-folder-'));
  root = join(base, 'pictures');
});
afterEach(() => rm(base, { recursive: true, force: true }));

/** All files below a folder but what is said about the pictures, links not followed. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  return files.filter((name) => !name.endsWith('.json'));
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof FluxError) return error.failure;
  throw new Error(`no failure: ${String(error)}`);
}

describe('save', () => {
  it('makes the folders and writes a new file below the month of creation', async () => {
    const file = await store().save(picture, label);
    expect(file).toBe(join(root, '2026-11', 'a-fox_job_1.jpg'));
    expect(new Uint8Array(await readFile(file))).toEqual(picture.bytes);
    expect(await filesIn(base)).toEqual(['a-fox_job_1.jpg']);
  });

  it('makes the folder at the first picture, not before', async () => {
    const folder = store();
    expect(await readdir(base)).toEqual([]);
    await folder.save(picture, label);
    expect(await readdir(base)).toEqual([basename(root)]);
  });

  it('is done by many processes at once with the same picture, none of which takes away what another one needs', async () => {
    for (let round = 1; round <= 10; round += 1) {
      const same = { ...label, jobId: `job_${round}` };
      const files = await Promise.all(Array.from({ length: 8 }, () => store().save(picture, same)));
      expect(new Set(files).size, `round ${round}`).toBe(1);
    }
    expect(await filesIn(base)).toHaveLength(10);
  });

  it('never writes over a file of the same name, and leaves nothing half-written next to it', async () => {
    const file = await store().save(picture, label);
    const another = { ...picture, bytes: new Uint8Array([...picture.bytes, 7]) };
    const adjacent = await store().save(another, label);
    expect(adjacent).not.toBe(file);
    expect(new Uint8Array(await readFile(file))).toEqual(picture.bytes);
    expect(new Uint8Array(await readFile(adjacent))).toEqual(another.bytes);
    expect(await filesIn(base)).toHaveLength(2);
  });

  it('keeps one file when the same picture is saved again', async () => {
    const file = await store().save(picture, label);
    expect(await store().save(picture, label)).toBe(file);
    expect(await filesIn(base)).toEqual(['a-fox_job_1.jpg']);
  });

  it('removes what a killed process left half written of this picture, and of no other', async () => {
    const file = await store().save(picture, label);
    const parts = ['a-fox_job_1.jpg.0123456789ab.part', 'a-fox_job_11.jpg.0123456789ab.part'];
    for (const name of parts) await writeFile(join(root, '2026-11', name), 'half');
    expect(await store().save(picture, label)).toBe(file);
    expect((await filesIn(base)).toSorted()).toEqual(['a-fox_job_1.jpg', parts[1]]);
  });

  it('never writes through a link that lies in place of the file', async () => {
    const victim = join(base, 'victim.txt');
    await writeFile(victim, 'precious');
    await mkdir(join(root, '2026-11'), { recursive: true });
    await symlink(victim, join(root, '2026-11', 'a-fox_job_1.jpg'));
    await store()
      .save(picture, label)
      .catch(() => undefined);
    expect(await readFile(victim, 'utf8')).toBe('precious');
  });

  it('refuses a month folder that is a link out of the output folder, and writes nothing there', async () => {
    const outside = join(base, 'outside');
    await mkdir(outside);
    await mkdir(root);
    await symlink(outside, join(root, '2026-11'));
    const failure = await failureOf(store().save(picture, label));
    expect(failure.kind).toBe('storage_failed');
    expect(wordsOf(failure).what).toContain('leads out of the output folder');
    expect(await readdir(outside)).toEqual([]);
  });

  it('is not fooled by a neighbour whose name begins like the output folder', async () => {
    const neighbour = join(base, 'pictures-2');
    await mkdir(neighbour);
    await mkdir(root);
    await symlink(neighbour, join(root, '2026-11'));
    expect((await failureOf(store().save(picture, label))).kind).toBe('storage_failed');
    expect(await readdir(neighbour)).toEqual([]);
  });

  it('follows an output folder that is itself a link: the user chose it', async () => {
    const elsewhere = join(base, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, root);
    await store().save(picture, label);
    expect(await filesIn(elsewhere)).toEqual(['a-fox_job_1.jpg']);
  });

  it('writes next to the picture what it is, and nothing that is not known', async () => {
    const file = await store().save(picture, label);
    const text = await readFile(file.replace(/\.jpg$/u, '.json'), 'utf8');
    expect(JSON.parse(text)).toEqual({
      job_id: 'job_1',
      file: 'a-fox_job_1.jpg',
      media_type: 'image/jpeg',
      prompt: 'a fox',
      width: 1_024,
      height: 768,
      version: 'flux-pro-1.1',
      credits: 12,
    });
  });

  it('leaves a file of that name as it is, or a link, and saves the picture all the same', async () => {
    await mkdir(join(root, '2026-11'), { recursive: true });
    await writeFile(join(base, 'elsewhere.json'), 'mine');
    await symlink(join(base, 'elsewhere.json'), join(root, '2026-11', 'a-fox_job_1.json'));
    expect(await readFile(await store().save(picture, label))).toEqual(Buffer.from(picture.bytes));
    expect(await readFile(join(base, 'elsewhere.json'), 'utf8')).toBe('mine');
  });

  it('keeps a file name that looks like a path inside the folder', async () => {
    const file = await store().save(picture, { ...label, fileName: '../../../escaped' });
    expect(file).toBe(join(root, '2026-11', 'escaped_job_1.jpg'));
    expect(await readdir(base)).toEqual(['pictures']);
  });

  it('says what to do when the folder cannot be written, and that the credits are not lost', async () => {
    // A file in place of the folder: unlike missing permissions it stops root, too.
    await writeFile(root, 'not a folder');
    const failure = await failureOf(store().save(picture, label));
    expect(failure).toMatchObject({ kind: 'storage_failed', creditsSpent: 'yes', retry: 'same_job' });
    expect(wordsOf(failure).what).toContain(join(root, '2026-11'));
    expect(wordsOf(failure).what).toMatch(/\((?:ENOTDIR|EEXIST)\)/u);
    expect(wordsOf(failure).next).toContain('FLUX_OUTPUT_DIR');
  });
});

describe('read', () => {
  it('gives the bytes that were saved', async () => {
    const file = await store().save(picture, label);
    expect(new Uint8Array(await store().read(file))).toEqual(picture.bytes);
  });

  it('names the file and the reason when it is gone', async () => {
    const failure = await failureOf(store().read(join(root, 'gone.jpg')));
    expect(failure.kind).toBe('storage_failed');
    expect(wordsOf(failure).what).toBe(`The saved picture ${join(root, 'gone.jpg')} cannot be read (ENOENT).`);
  });
});
