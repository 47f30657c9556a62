/**
 * A server that may open no more files (EMFILE) amid a call for fifty pictures: from its beginning, or from the moment at
 * which one of its orders arrives at the service. Then it may again.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { type CaseResult, type Mode, type PlayOptions, skipped } from '../mode.ts';
import { isAllowed, type Server } from './server.ts';
import { Trial } from './trial.ts';

const PRLIMIT = 'prlimit';
const ORDERS = 50;
const WAIT_SECONDS = 15;
const WITHIN_MS = 120_000;
const PLENTY = 4_096;
/** Files that it may open beyond those that it has open: when it is called, or when that order arrives. */
type Case = { more: number; atOrder?: number };
const CASES: readonly Case[] = [
  { more: 2 },
  { more: 6 },
  { more: 12 },
  { more: 25 },
  { more: -4, atOrder: 1 },
  { more: 0, atOrder: 10 },
  { more: 2, atOrder: 25 },
  { more: 1, atOrder: 50 },
];

export const descriptors: Mode = { name: 'descriptors', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  if (!isAllowed(PRLIMIT, '--version')) return yield skipped('there is no prlimit on this machine');
  for (const one of CASES) {
    const name = `${one.more} files more from ${one.atOrder === undefined ? 'the call' : `order ${one.atOrder}`}`;
    yield await Trial.play({ name, seed }, (trial) => orderWithFewFiles(trial, one));
  }
}

async function orderWithFewFiles(trial: Trial, { more, atOrder }: Case): Promise<void> {
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
  limit(server, PLENTY);
  await trial.orderUntilSaved(() => server, prompts, WITHIN_MS);
  trial.note(`answered with ${[...new Set(jobs.map(({ status, error }) => error?.kind ?? status))].join(', ')}`);
}

const openFiles = ({ pid }: Server): number => readdirSync(`/proc/${pid}/fd`).length;

function limit({ pid }: Server, files: number): void {
  execFileSync(PRLIMIT, ['--pid', String(pid), `--nofile=${files}:${PLENTY}`]);
}
