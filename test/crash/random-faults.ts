/** What the network does in a crash run, and how often. */
import type { FaultName, FaultServer, FaultTarget } from '../support/fault-server.ts';
import { createDice } from './dice.ts';

type Weights = Readonly<Partial<Record<FaultName, number>>>;

/** In per cent, more or less. The sandbox charges with `drop-after`, `…-after`, `stall`, `truncate…` and `html-200`. */
const SUBMIT: Weights = {
  pass: 52,
  'drop-before': 6,
  'drop-after': 9,
  stall: 1.5,
  'stall-before': 0.5,
  truncate: 5,
  'truncate-clean': 4,
  'html-200': 2,
  'html-502': 2,
  'html-502-after': 3,
  'status-500-before': 4,
  'status-500-after': 5,
  'status-503': 2,
  '429': 2,
  '429-retry-after': 2,
};

const STATUS: Weights = {
  pass: 88,
  'drop-before': 2,
  'drop-after': 2,
  stall: 0.5,
  truncate: 2,
  'html-502': 1.5,
  'status-500-before': 2,
  '429': 1,
  '429-retry-after': 1,
};

const PICTURE: Weights = { pass: 88, 'drop-before': 3, truncate: 4, 'truncate-clean': 2, 'status-503': 3 };

/** The same faults for the same seed, in the order in which requests of a kind arrive. */
export function scriptRandomFaults(server: FaultServer, seed: number, requests: number): void {
  const targets: readonly [FaultTarget, Weights][] = [
    ['submit', SUBMIT],
    ['status', STATUS],
    ['introspection', STATUS],
    ['picture', PICTURE],
  ];
  for (const [index, [target, weights]] of targets.entries()) {
    const dice = createDice(seed + index);
    const faults = Array.from({ length: requests }, () => dice.weighted(weights as Record<FaultName, number>));
    server.script(faults, target);
  }
}
