// Owns the painting, pixel by pixel: a sky with a sun or a moon, drifting clouds, ridges fading into mist, a lake.

import { latticeValue } from './noise.ts';
import { mix, type Rgb } from './palettes.ts';
import type { Ridge } from './ridges.ts';
import { composeScene, type Scene } from './scene.ts';

export type Pixels = { data: Uint8ClampedArray; width: number; height: number };

/** One colour that is painted over and over: new objects for every pixel, or boxed numbers, would be the slowest part. */
class Brush {
  private readonly channels = new Float64Array(3);
  get r(): number {
    return this.channels[0] ?? 0;
  }
  get g(): number {
    return this.channels[1] ?? 0;
  }
  get b(): number {
    return this.channels[2] ?? 0;
  }
  set(r: number, g: number, b: number): void {
    this.channels[0] = r;
    this.channels[1] = g;
    this.channels[2] = b;
  }
}

const ROWS_BETWEEN_PAUSES = 48;
const STARLIGHT: Rgb = [255, 255, 255];

const clamp01 = (t: number): number => Math.min(1, Math.max(0, t));
const smooth = (from: number, to: number, value: number): number => {
  const t = clamp01((value - from) / (to - from));
  return t * t * (3 - 2 * t);
};

function blend(brush: Brush, [r, g, b]: Rgb, amount: number): void {
  brush.set(brush.r + (r - brush.r) * amount, brush.g + (g - brush.g) * amount, brush.b + (b - brush.b) * amount);
}

/** What a whole row has in common. */
type Row = { y: number; sky: Rgb; cloudStrength: number; starry: boolean };

function planRow(scene: Scene, y: number): Row {
  const { top, middle, horizon, night } = scene.palette;
  const v = clamp01(y / (scene.height * scene.horizon));
  return {
    y,
    sky: mix(mix(top, middle, smooth(0, 0.62, v)), horizon, smooth(0.4, 1, v)),
    cloudStrength: scene.cloudiness * (0.35 + 0.65 * smooth(0, 0.75, v)),
    starry: night && v < 0.85,
  };
}

function paintSky(brush: Brush, scene: Scene, row: Row, x: number, away: number, lit: number): void {
  const { palette, sun, seed } = scene;
  brush.set(row.sky[0], row.sky[1], row.sky[2]);
  if (row.starry && latticeValue(x, row.y, seed) > 0.9985) {
    blend(brush, STARLIGHT, 0.25 + 0.75 * latticeValue(x, row.y, seed + 1));
  }
  const cloud = smooth(0.47, 0.78, scene.clouds.at(x, row.y)) * row.cloudStrength;
  if (cloud > 0) {
    // Two blends that together lay on a mixture of both colours, without a new array for every pixel.
    const warm = cloud * clamp01(0.25 + lit * 1.6);
    blend(brush, palette.horizon, (cloud - warm) / (1 - Math.min(0.999, warm)));
    blend(brush, palette.light, warm);
  }
  const disc = clamp01(sun.radius - away + 0.5) * (1 - 0.55 * cloud);
  blend(brush, palette.light, disc + (1 - disc) * lit);
}

/** Mirrors the rows above the shore, which are painted already. */
function paintWater(brush: Brush, scene: Scene, pixels: Uint8ClampedArray, y: number, x: number): void {
  const { width, height, unit, lakeRow, palette } = scene;
  const depth = (y - lakeRow) / (height - lakeRow);
  const ripple = (latticeValue(y, 7, scene.seed) - 0.5) * (0.004 + 0.02 * depth) * unit;
  const wave = (scene.rock.at(x, y) - 0.5) * 0.05 * unit * (0.3 + depth);
  const column = Math.min(width - 1, Math.max(0, Math.round(x + ripple + wave)));
  const source = (Math.max(0, 2 * lakeRow - y - 1) * width + column) * 4;
  const dim = 0.9 - 0.28 * depth;
  const shine = 0.1 * (1 - depth);
  brush.set(
    (pixels[source] ?? 0) * dim + palette.horizon[0] * shine,
    (pixels[source + 1] ?? 0) * dim + palette.horizon[1] * shine,
    (pixels[source + 2] ?? 0) * dim + palette.horizon[2] * shine,
  );
}

/** Lays a ridge over what is behind it; `cover` is below 1 on its outline. */
function paintLand(brush: Brush, scene: Scene, ridge: Ridge, y: number, x: number, lit: number, cover: number): void {
  const { palette, unit } = scene;
  const below = Math.max(0, y - (ridge.outline[x] ?? 0)) / unit;
  const relief = 1 + (scene.rock.at(x, y) - 0.5) * (0.34 - 0.3 * ridge.nearness);
  const mist = smooth(-0.1, 1.1, below * (4.2 - 2.6 * ridge.nearness)) * (0.62 - 0.5 * ridge.nearness);
  const edge = 0.3 / (1 + (below * 60) ** 2) + 0.16 * (1 - ridge.nearness);
  const behind: Rgb | undefined = cover < 1 ? [brush.r, brush.g, brush.b] : undefined;
  brush.set(ridge.colour[0] * relief, ridge.colour[1] * relief, ridge.colour[2] * relief);
  blend(brush, palette.horizon, mist);
  blend(brush, palette.light, (0.1 + lit) * edge * (1 - 0.8 * ridge.nearness));
  if (behind) blend(brush, behind, 1 - cover);
}

function paintRow(scene: Scene, pixels: Uint8ClampedArray, y: number): void {
  const { width, height, unit, sun } = scene;
  const row = planRow(scene, y);
  const onWater = y >= scene.lakeRow;
  // From the farthest to the nearest; on the water only the nearest stands before it.
  const ridges = (onWater ? scene.ridges.slice(-1) : scene.ridges).filter(({ top }) => top < y + 1);
  const brush = new Brush();
  for (let x = 0; x < width; x++) {
    const away = Math.sqrt((x - sun.x) ** 2 + (y - sun.y) ** 2);
    const lit = scene.glow(away / unit);
    // The nearest ridge that covers the pixel hides all behind it; those before it only touch it with their outline.
    let hiding = ridges.length - 1;
    while (hiding >= 0 && y < (ridges[hiding]?.outline[x] ?? height)) hiding--;
    if (hiding < 0) {
      if (onWater) paintWater(brush, scene, pixels, y, x);
      else paintSky(brush, scene, row, x, away, lit);
    }
    for (let index = Math.max(0, hiding); index < ridges.length; index++) {
      const ridge = ridges[index];
      const cover = ridge ? y + 1 - (ridge.outline[x] ?? height) : 0;
      if (ridge && cover > 0) paintLand(brush, scene, ridge, y, x, lit, cover);
    }
    // A grain of about one level keeps the long gradients from banding.
    const grain = (latticeValue(x, y, 77) - 0.5) * 2.2;
    const at = (y * width + x) * 4;
    pixels[at] = brush.r + grain;
    pixels[at + 1] = brush.g + grain;
    pixels[at + 2] = brush.b + grain;
    pixels[at + 3] = 255;
  }
}

/** Paints in slices, so that polls are answered while a large picture is under way. */
export async function paintLandscape(seed: number, width: number, height: number): Promise<Pixels> {
  const scene = composeScene(seed, width, height);
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    if (y % ROWS_BETWEEN_PAUSES === 0) await new Promise((resume) => setImmediate(resume));
    paintRow(scene, data, y);
  }
  return { data, width, height };
}
