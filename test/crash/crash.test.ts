/** The crash run in short: `npm run test:crash` is the whole. */
import { expect, it } from 'vitest';
import { type CrashReport, runCrash } from './crash-run.ts';

const SHORT = { kills: 8, intents: 40, workers: [2, 3] } as const;
const SEED = 20;

const reported = ({ intents, kills, left, charges, doubleCharges, decoded }: CrashReport): string =>
  `${intents} intents, ${kills} kills, ${left} left, ${charges} charges, ${doubleCharges} double, ${decoded} decode`;

it('processes are killed, and nothing is lost or paid twice', { timeout: 300_000 }, async () => {
  const report = await runCrash({ ...SHORT, seed: SEED, withKeys: true });
  console.log(reported(report));
  expect(report.broken).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(SHORT.kills);
  expect(report.charges).toBe(report.left - report.leftAndRefused);
  expect(report.decoded).toBe(report.charges);
  expect(report.openAfterRecovery).toBe(0);
});

it('without the idempotency key the same run pays twice: the check can fail', { timeout: 300_000 }, async () => {
  const report = await runCrash({ ...SHORT, kills: 4, intents: 20, seed: SEED, withKeys: false });
  console.log(reported(report));
  expect(report.doubleCharges).toBeGreaterThan(0);
  expect(report.problems).toEqual([]);
});
