/** The crash run: three processes at a time order pictures and are killed, over a network that loses answers. */
import { runCrash } from '../../crash/crash-run.ts';
import type { Breach } from '../audit.ts';
import type { CaseResult, Mode, PlayOptions } from '../mode.ts';

const KILLS = 200;
const INTENTS = 400;

export const kills: Mode = { name: 'kills', play };

async function* play({ seed }: PlayOptions): AsyncGenerator<CaseResult> {
  const onProgress = (text: string): void => console.error(`  ${text}`);
  const options = { seed, kills: KILLS, intents: INTENTS, workers: [3, 3], withKeys: true } as const;
  const { intents, charges, doubleCharges, decoded, broken } = await runCrash({ ...options, onProgress });
  const breaches: Breach[] = [
    // What an answer denied and the service charged is ordered again: it shows here, too.
    ...Array.from({ length: doubleCharges }, () => ({ kind: 'paid twice' as const, what: 'a picture' })),
    ...Array.from({ length: charges - decoded }, () => ({ kind: 'lost' as const, what: 'a picture' })),
    ...broken.map((what) => ({ kind: 'books' as const, what })),
  ];
  yield { name: 'three processes', seed, intents, charges, breaches, trace: [] };
}
