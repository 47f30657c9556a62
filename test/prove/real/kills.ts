/** The crash run: three processes at a time order pictures and are killed, over a network that loses answers. */
import { runCrash } from '../../crash/crash-run.ts';
import type { Context, Counts, Mode } from './trial.ts';

const KILLS = 200;
const INTENTS = 400;

export const kills: Mode = { name: 'kills', run };

async function run({ seed, say }: Context): Promise<Counts[]> {
  const options = { seed, kills: KILLS, intents: INTENTS, workers: [3, 3], withKeys: true } as const;
  const report = await runCrash({ ...options, onProgress: say });
  const { intents, charges, doubleCharges, decoded, broken } = report;
  const notes = [`${report.processes} processes, ${report.kills} killed amid an order, ${report.repeated} repetitions`];
  // What an answer denied and the service charged shows there as paid twice: it is ordered again.
  return [
    {
      intents,
      charges,
      paidTwice: doubleCharges,
      lost: charges - decoded,
      denied: 0,
      overBudget: 0,
      problems: broken,
      notes,
    },
  ];
}
