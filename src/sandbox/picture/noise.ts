// Owns the seeded randomness of the pictures: a small generator and smooth value noise in one and two dimensions.

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** One reproducible number in [0, 1) for a lattice point. */
export function latticeValue(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

const ease = (t: number): number => t * t * (3 - 2 * t);

/** Smooth noise along a line, in [0, 1]. */
export function noise1(x: number, seed: number): number {
  const cell = Math.floor(x);
  const left = latticeValue(cell, 0, seed);
  return left + (latticeValue(cell + 1, 0, seed) - left) * ease(x - cell);
}

/** Smooth noise on the plane, in [0, 1]. */
function noise2(x: number, y: number, seed: number): number {
  const cellX = Math.floor(x);
  const cellY = Math.floor(y);
  const tx = ease(x - cellX);
  const a = latticeValue(cellX, cellY, seed);
  const b = latticeValue(cellX, cellY + 1, seed);
  const top = a + (latticeValue(cellX + 1, cellY, seed) - a) * tx;
  const bottom = b + (latticeValue(cellX + 1, cellY + 1, seed) - b) * tx;
  return top + (bottom - top) * ease(y - cellY);
}

/** Several octaves of `noise2`, in [0, 1]. */
export function fractal2(x: number, y: number, octaves: number, seed: number): number {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  let frequency = 1;
  for (let octave = 0; octave < octaves; octave++) {
    sum += weight * noise2(x * frequency, y * frequency, seed + octave * 101);
    total += weight;
    weight *= 0.5;
    frequency *= 2.03;
  }
  return sum / total;
}

/** Several octaves of folded `noise1`, in [0, 1]: sharp crests, as mountains have them. `roughness` is the octaves' ratio. */
export function crests1(x: number, octaves: number, roughness: number, seed: number): number {
  let sum = 0;
  let weight = 1;
  let total = 0;
  let frequency = 1;
  for (let octave = 0; octave < octaves; octave++) {
    sum += weight * (1 - Math.abs(2 * noise1(x * frequency, seed + octave * 57) - 1));
    total += weight;
    weight *= roughness;
    frequency *= 2.17;
  }
  return sum / total;
}
