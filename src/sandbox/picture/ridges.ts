// Owns the outlines of the land: for every column of the picture, where each ridge begins.

import { crests1, latticeValue, noise1 } from './noise.ts';
import { mix, type Palette, type Rgb } from './palettes.ts';

export type Ridge = {
  /** The first row below the outline, fractional, one for each column. */
  outline: Float32Array;
  /** The highest point of the outline. */
  top: number;
  colour: Rgb;
  /** 0 for the farthest, 1 for the nearest. */
  nearness: number;
};

export type RidgePlan = {
  width: number;
  height: number;
  /** The length in pixels that all sizes of features are measured in. */
  unit: number;
  /** The row of the horizon as a part of the height. */
  horizon: number;
  count: number;
  /** Where the nearest ridge stands, as a part of the height. */
  foreground: number;
  /** Where the second nearest stands: far above the nearest when water lies between them. */
  background: number;
  seed: number;
};

/** How far pines rise above the ground at a point, in units. */
function pines(u: number, size: number, seed: number): number {
  let rise = 0;
  const spacing = size * 0.36;
  const cell = Math.floor(u / spacing);
  for (let index = cell - 2; index <= cell + 2; index++) {
    const tall = size * (0.35 + 0.65 * latticeValue(index, 1, seed) ** 1.5);
    const centre = (index + 0.2 + 0.6 * latticeValue(index, 2, seed)) * spacing;
    const away = Math.abs(u - centre);
    // Branches: the outline steps back in as it climbs.
    const below = away * 4.8;
    const branch = ((below / tall) * 7) % 1;
    rise = Math.max(rise, tall - below - branch * tall * 0.07);
  }
  return rise;
}

/** From the farthest to the nearest. */
export function planRidges(plan: RidgePlan, palette: Palette): Ridge[] {
  const ridges: Ridge[] = [];
  for (let index = 0; index < plan.count; index++) {
    const nearness = plan.count === 1 ? 1 : index / (plan.count - 1);
    const seed = plan.seed + index * 7919;
    const last = index === plan.count - 1;
    const spread = plan.count < 3 ? 0 : Math.min(1, index / (plan.count - 2));
    const base = last ? plan.foreground : plan.horizon + (plan.background - plan.horizon) * spread ** 1.2;
    const amplitude = 0.2 - 0.12 * nearness;
    const frequency = 1.5 + 1.1 * nearness;
    const treeSize = nearness > 0.6 ? 0.02 + 0.075 * ((nearness - 0.6) / 0.4) ** 1.5 : 0;
    const outline = new Float32Array(plan.width);
    for (let x = 0; x < plan.width; x++) {
      const u = x / plan.unit;
      const shape = crests1(u * frequency + index * 13.7, 6, 0.5 - 0.16 * nearness, seed);
      const swell = noise1(u * 0.9 + index * 5.1, seed + 3);
      const grove = treeSize === 0 ? 0 : pines(u, treeSize * (0.55 + 0.6 * noise1(u * 3, seed + 9)), seed + 17);
      outline[x] = base * plan.height - plan.unit * (amplitude * (0.75 * shape + 0.5 * swell - 0.45) + grove);
    }
    ridges.push({
      outline,
      top: outline.reduce((a, b) => Math.min(a, b)),
      colour: mix(palette.far, palette.near, nearness ** 0.85),
      nearness,
    });
  }
  return ridges;
}
