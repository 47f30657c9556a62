/** What the records say of money, and how old ones are removed, with the packed program and without a service. */
import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idAt, systemClock } from '../../src/runtime/system.ts';
import { createFileJobStore } from '../../src/storage/file-stores.ts';
import { partitionFolder } from '../../src/storage/paths.ts';
import { type Home, unpackPackage } from '../support/packed-program.ts';
import { sampleJob } from '../unit/core/sample-jobs.ts';
import { QUIET } from '../unit/storage/engines.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

const DAY_MS = 24 * 60 * 60_000;
const KEY = 'dt_live_4711abcdef';
// Nobody listens there.
const API_URL = 'http://127.0.0.1:9';

let home: Home;
let output: string;
const files: string[] = [];
beforeAll(async () => {
  home = await packed.newHome();
  output = join(home.folder, 'pictures');
  const folder = partitionFolder(join(home.folder, 'state', 'flux-pro-mcp'), API_URL, KEY);
  const store = createFileJobStore(folder, { clock: systemClock, log: QUIET, outputFolder: output });
  for (const [at, days] of [1, 20, 40, 41].entries()) {
    const createdAt = systemClock.now() - days * DAY_MS;
    const id = idAt(createdAt, String(at).padStart(11, '0'));
    const file = join(output, 'old', `fox_${id}.jpg`);
    files.push(file);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, 'picture');
    await utimes(file, createdAt / 1_000, createdAt / 1_000);
    const credits = { min: 10, max: 20, exact: days === 41 ? null : 10 + at };
    const times = { createdAt, updatedAt: createdAt, savedAt: createdAt };
    await store.add(sampleJob({ id, state: 'saved', remoteId: `dt_${at}`, file, credits, ...times }));
  }
});

async function shell(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { DOITONG_API_KEY: KEY, DOITONG_API_URL: API_URL, FLUX_OUTPUT_DIR: output };
  const program = await packed.start(args, { home, env });
  program.child.stdin.end();
  const { code } = await program.exit;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

const day = (daysAgo: number): string => new Date(systemClock.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);

it('spend counts the orders of each day, and purge removes the old ones after --yes alone', async () => {
  const spent = await shell('spend', '--csv');
  expect(spent).toMatchObject({ code: 0, stderr: '' });
  const [head, ...lines] = spent.stdout.split('\r\n');
  expect(head).toBe('day,pictures,credits,unknown_price,may_have_been_charged');
  expect(lines).toEqual([`${day(1)},1,10,0,0`, `${day(20)},1,11,0,0`, `${day(40)},1,12,0,0`, `${day(41)},1,,1,0`, '']);
  expect((await shell('spend', '--by', 'month')).stdout).toMatch(/^Total +4 +at least 33 +1 +0$/m);

  const old = ['jobs', 'purge', '--older-than', '30', '--pictures'];
  const refused = await shell(...old);
  expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Add --yes') });
  const look = await shell(...old, '--dry-run');
  expect(look).toMatchObject({ code: 0, stderr: '' });
  expect(look.stdout).toMatch(/^2 orders ended more than 30 days ago, .+\nCredits spent on them: at least 12\.\n/);
  expect(files.map((file) => existsSync(file))).toEqual([true, true, true, true]);

  const removed = await shell(...old, '--yes');
  expect(removed).toMatchObject({ code: 0, stderr: '' });
  expect(removed.stdout).toMatch(/\nRemoved: 2 records, 2 pictures\. Left: 0\.\n$/);
  expect(files.map((file) => existsSync(file))).toEqual([true, true, false, false]);
  expect((await shell('jobs')).stdout).toContain('\n2 jobs.\n');
  expect((await shell('jobs', 'show', 'dt_3')).code).toBe(1);
  expect((await shell('jobs', 'show', 'dt_1')).code).toBe(0);
  expect((await shell('spend', '--csv')).stdout.split('\r\n')).toEqual([head, ...lines.slice(0, 2), '']);
});
