/** Seeded randomness and the durations of pictures that the measurements draw from it. */

export type Random = () => number;

/** The same numbers in [0, 1) for the same seed, on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const SIGMA = 0.25;

/** How long pictures take, as a name and a way to draw, in milliseconds. */
export type Durations = { name: string; medianSeconds?: number; draw: (random: Random) => number };

export const logNormal = (medianSeconds: number): Durations => ({
  name: `log-normal, median ${medianSeconds} s, σ ${SIGMA}`,
  medianSeconds,
  draw: (random) => medianSeconds * 1_000 * Math.exp(SIGMA * gaussian(random)),
});

/** Most are quick, some wait in a line of the service's own. */
export const BIMODAL: Durations = {
  name: 'bimodal, 70 % around 8 s and 30 % around 25 s, σ 0.15',
  draw: (random) => (random() < 0.7 ? 8_000 : 25_000) * Math.exp(0.15 * gaussian(random)),
};
