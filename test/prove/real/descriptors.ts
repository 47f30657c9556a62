/**
 * A server that may open no more files (EMFILE) amid a call for fifty pictures: from its beginning, or from the moment at
 * which one of its orders arrives at the service. Then it may again.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { isAllowed, type Server } from './server.ts';
import { type Context, type Counts, type Mode, Trial } from './trial.ts';

const PRLIMIT = 'prlimit';
const ORDERS = 50;
const WAIT_SECONDS = 15;
const WITHIN_MS = 120_000;
const PLENTY = 4_096;
/** Files that it may open beyond those that it has open: when it is called, or when that order arrives. */
const CASES: readonly { more: number; atOrder?: number }[] = [
  { more: 2 },
  { more: 6 },
  { more: 12 },
  { more: 25 },
  { more: -4, atOrder: 1 },
  { more: 0, atOrder: 10 },
  { more: 2, atOrder: 25 },
  { more: 1, atOrder: 50 },
];

export const descriptors: Mode = { name: 'descriptors', run };

async function run({ seed, say }: Context): Promise<Counts[] | { skipped: string }> {
  if (!isAllowed(PRLIMIT, '--version')) return { skipped: 'there is no prlimit on this machine' };
  const results: Counts[] = [];
  for (const { more, atOrder } of CASES) {
    const trial = await Trial.start({
      sandbox: { jobDurationMs: 500, seed: String(seed) },
      witness: { withoutRateHeaders: true },
    });
    const server = await trial.serve();
    // What Node could not load once, it never loads again: that is another matter, and costs nothing.
    await trial.orderUntilSaved(() => server, ['before'], WITHIN_MS);
    const limitNow = (): void => limit(server, openFiles(server) + more);
    let arrived = 0;
    if (atOrder === undefined) limitNow();
    else
      trial.service.onOrder = () => {
        arrived += 1;
        if (arrived === atOrder) limitNow();
      };
    const prompts = Array.from({ length: ORDERS }, (_, at) => `picture ${at + 1}`);
    const jobs = await trial.order(server, prompts, WAIT_SECONDS);
    trial.service.onOrder = undefined;
    const kinds = new Set(jobs.map(({ status, error }) => error?.kind ?? status));
    limit(server, PLENTY);
    await trial.orderUntilSaved(() => server, prompts, WITHIN_MS);
    trial.notes.push(
      `${more} files more from ${atOrder === undefined ? 'the call' : `order ${atOrder}`}: ${[...kinds]}`,
    );
    say(trial.notes.join());
    results.push(await trial.account());
  }
  return results;
}

const openFiles = ({ pid }: Server): number => readdirSync(`/proc/${pid}/fd`).length;

function limit({ pid }: Server, files: number): void {
  execFileSync(PRLIMIT, ['--pid', String(pid), `--nofile=${files}:${PLENTY}`]);
}
