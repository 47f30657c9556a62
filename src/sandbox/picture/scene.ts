// Owns what a picture is made of: the prompt's hash decides the palette, the light, the ridges, the clouds and the lake.

import { fractal2, seededRandom } from './noise.ts';
import { type Palette, palettes } from './palettes.ts';
import { planRidges, type Ridge } from './ridges.ts';

const GLOW_STEPS = 1024;
/** Beyond this many units from the light there is no glow. */
const GLOW_REACH = 3;

/** Slow noise, computed on a coarse grid and read with interpolation: clouds and rock need no more, and it is fast. */
class Field {
  private readonly columns: number;
  private readonly values: Float32Array;
  constructor(
    width: number,
    height: number,
    private readonly step: number,
    sample: (x: number, y: number) => number,
  ) {
    this.columns = Math.ceil(width / step) + 2;
    const rows = Math.ceil(height / step) + 2;
    this.values = new Float32Array(this.columns * rows);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let column = 0; column < this.columns; column++) this.values[at++] = sample(column * step, row * step);
    }
  }
  at(x: number, y: number): number {
    const gridX = x / this.step;
    const gridY = y / this.step;
    const column = gridX | 0;
    const row = gridY | 0;
    const tx = gridX - column;
    const index = row * this.columns + column;
    const a = this.values[index] ?? 0;
    const b = this.values[index + this.columns] ?? 0;
    const top = a + ((this.values[index + 1] ?? 0) - a) * tx;
    const bottom = b + ((this.values[index + this.columns + 1] ?? 0) - b) * tx;
    return top + (bottom - top) * (gridY - row);
  }
}

export type Scene = {
  width: number;
  height: number;
  unit: number;
  palette: Palette;
  horizon: number;
  sun: { x: number; y: number; radius: number };
  /** The first row of water; at the picture's height there is none. */
  lakeRow: number;
  ridges: Ridge[];
  clouds: Field;
  cloudiness: number;
  rock: Field;
  /** The strength of the light by distance from its centre, from a table: it is asked for every pixel. */
  glow: (awayUnits: number) => number;
  seed: number;
};

function pickPalette(chance: number): Palette {
  const palette = palettes[Math.floor(chance * palettes.length)];
  if (!palette) throw new Error('the chance lies in [0, 1)');
  return palette;
}

export function composeScene(seed: number, width: number, height: number): Scene {
  const random = seededRandom(seed);
  // Tall pictures would show a sliver of one hill if lengths followed the height alone.
  const unit = Math.min(height, Math.sqrt(width * height));
  const palette = pickPalette(random());
  const lake = random() < 0.45;
  const horizon = 0.5 + 0.1 * random() - (lake ? 0.03 : 0);
  const background = lake ? horizon + 0.11 : 0.8;
  const sunX = width * (0.2 + 0.6 * random());
  const sunY = height * (palette.night ? 0.14 + 0.14 * random() : horizon - 0.1 - 0.17 * random());
  const radius = unit * (palette.night ? 0.03 + 0.02 * random() : 0.045 + 0.035 * random());
  const count = lake ? 5 : 6 + Math.floor(random() * 2);
  const noiseSeed = Math.floor(random() * 2 ** 31);
  const cloudiness = 0.35 + 0.5 * random();
  const step = Math.max(2, Math.round(unit / 220));
  const glowSteps = Float32Array.from({ length: GLOW_STEPS + 1 }, (_, index) => {
    const away = (index / GLOW_STEPS) * GLOW_REACH;
    return palette.night
      ? 0.32 * Math.exp(-away * 14) + 0.2 * Math.exp(-away * 3)
      : 0.55 * Math.exp(-away * 9) + 0.42 * Math.exp(-away * 2.2);
  });
  const glow = (awayUnits: number): number =>
    glowSteps[Math.min(GLOW_STEPS, (awayUnits * GLOW_STEPS) / GLOW_REACH) | 0] ?? 0;
  const clouds = new Field(width, height, step, (x, y) => {
    const u = x / unit;
    const v = y / unit;
    const bend = fractal2(u * 1.3 + 9, v * 2.6, 2, noiseSeed + 1);
    return fractal2(u * 1.5 + bend * 1.6, v * 5.5 + bend * 2.2, 4, noiseSeed + 2);
  });
  const rock = new Field(width, height, step, (x, y) =>
    fractal2((x / unit) * 9 + (y / unit) * 5, (y / unit) * 13, 3, noiseSeed + 3),
  );
  const ridges = planRidges(
    { width, height, unit, horizon, count, background, foreground: lake ? 0.93 : 0.92, seed: noiseSeed },
    palette,
  );
  const lakeRow = lake ? Math.round(height * (background + 0.03)) : height;
  const sun = { x: sunX, y: sunY, radius };
  return { width, height, unit, palette, horizon, sun, lakeRow, ridges, clouds, cloudiness, rock, glow, seed };
}
