/** The short form of `npm run fuzz`. */
import { expect, it } from 'vitest';
import { runFuzz } from './fuzz-run.ts';

const SEED = 20_261_127;

it(`survives 2,000 messages mutated by seed ${SEED}, answers each that can be read once, and charges and shows nothing unasked`, async () => {
  const report = await runFuzz({ seed: SEED, messages: 2_000 });
  expect(report.problems).toEqual([]);
  expect(report.answersExpected).toBeGreaterThan(1_000);
  expect(report.charges).toBeGreaterThan(0);
  expect(report.charges).toBeLessThanOrEqual(report.ordersSent);
}, 240_000);
