// Owns the sandbox's pictures: a landscape for each name, with the mark SANDBOX, as JPEG by a WebAssembly codec.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import encode, { init } from '@jsquash/jpeg/encode.js';

let codec: Promise<void> | undefined;

/** The last ones: a picture is fetched again after a fault, and by whoever shows it. */
const drawn = new Map<string, Promise<Uint8Array>>();
const KEPT = 16;

/** The same for the same name and size. */
export function drawPicture(name: string, width: number, height: number): Promise<Uint8Array> {
  const key = `${width}×${height} ${name}`;
  const picture = drawn.get(key) ?? draw(name, width, height);
  drawn.delete(key);
  drawn.set(key, picture);
  for (const oldest of [...drawn.keys()].slice(0, -KEPT)) drawn.delete(oldest);
  return picture;
}

async function draw(name: string, width: number, height: number): Promise<Uint8Array> {
  // Compiled on another thread, when the first picture is drawn.
  codec ??= loadCodec();
  await codec;
  const picture = paintLandscape(name, width, height);
  return new Uint8Array(await encode(picture, { quality: 84, progressive: false, optimize_coding: false }));
}

/** The types of Node 20 know WebAssembly by name only. */
type WasmCompiler = { compile(bytes: Uint8Array): Promise<object> };
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmCompiler };

/** Its file is next to the bundle when there is one, else in the package that the sources run with. */
async function loadCodec(): Promise<void> {
  const adjacent = fileURLToPath(new URL('./mozjpeg_enc.wasm', import.meta.url));
  const packaged = '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm';
  const file = existsSync(adjacent) ? adjacent : createRequire(import.meta.url).resolve(packaged);
  await init(await wasm.compile(await readFile(file)));
}

type Rgb = readonly [number, number, number];

const RIDGES = 5;
const SUNLIGHT: Rgb = [255, 246, 222];

function paintLandscape(name: string, width: number, height: number) {
  const chances = createHash('sha256').update(name).digest().values();
  const random = (): number => (chances.next().value ?? 0) / 256;
  const hue = random();
  const [top, horizon] = [colour(hue, 90), colour(hue + 0.3 + 0.3 * random(), 210)];
  const sun = { x: width * (0.2 + 0.6 * random()), y: height * (0.22 + 0.25 * random()), radius: height * 0.07 };
  const ridges = Array.from({ length: RIDGES }, (_, nth) => ({
    colour: mix(horizon, colour(hue, 24), 0.4 + (0.6 * nth) / (RIDGES - 1)),
    crest: crestOf(random, width, height, 0.5 + (0.36 * nth) / (RIDGES - 1)),
  }));

  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0, at = 0; y < height; y += 1) {
    const sky = mix(top, horizon, Math.min(1, y / height / 0.62));
    for (let x = 0; x < width; x += 1, at += 4) {
      let nearest = RIDGES - 1;
      while (nearest >= 0 && y < (ridges[nearest]?.crest[x] ?? 0)) nearest -= 1;
      // V8 is slow to find nothing at -1, and at powers.
      const from = (nearest < 0 ? sky : ridges[nearest]?.colour) ?? sky;
      const [across, down] = [x - sun.x, y - sun.y];
      const distance = Math.sqrt(across * across + down * down) / sun.radius;
      // A disc in the sky, and a glow around it that fades with the distance.
      const light = nearest >= 0 ? 0 : distance < 1 ? 1 : 0.55 / (1 + 0.35 * (distance - 1));
      data[at] = from[0] + (SUNLIGHT[0] - from[0]) * light;
      data[at + 1] = from[1] + (SUNLIGHT[1] - from[1]) * light;
      data[at + 2] = from[2] + (SUNLIGHT[2] - from[2]) * light;
    }
  }
  stampSandbox(data, width, height);
  return { data, width, height };
}

/** The height of a ridge in each column: three waves, each shorter and lower than the one before. */
function crestOf(random: () => number, width: number, height: number, middle: number): Float64Array {
  const waves = [1, 2.7, 7.1].map((times) => ({ times, shift: 2 * Math.PI * random(), high: (0.08 * height) / times }));
  return Float64Array.from({ length: width }, (_, x) =>
    waves.reduce(
      (y, { times, shift, high }) => y + high * Math.sin((x / width) * 2 * Math.PI * times + shift),
      middle * height,
    ),
  );
}

const mix = (from: Rgb, to: Rgb, amount: number): Rgb => [
  from[0] + (to[0] - from[0]) * amount,
  from[1] + (to[1] - from[1]) * amount,
  from[2] + (to[2] - from[2]) * amount,
];

/** A soft colour: `hue` goes once around the circle from 0 to 1. */
function colour(hue: number, brightness: number): Rgb {
  const channel = (shift: number): number => brightness * (0.8 + 0.35 * Math.cos(2 * Math.PI * (hue + shift)));
  return [channel(0), channel(1 / 3), channel(2 / 3)];
}

const GLYPH_ROWS = [
  '.###...###..#...#.####..####...###..#...#',
  '#...#.#...#.##..#.#...#.#...#.#...#.#...#',
  '#.....#...#.#.#.#.#...#.#...#.#...#..#.#.',
  '.###..#####.#.#.#.#...#.####..#...#...#..',
  '....#.#...#.#..##.#...#.#...#.#...#..#.#.',
  '#...#.#...#.#...#.#...#.#...#.#...#.#...#',
  '.###..#...#.#...#.####..####...###..#...#',
];
const STRIP_DARKNESS = 0.62;
const INK = [250, 247, 238];

/** A dark strip along the foot that says SANDBOX, readable from 256 to 2048 pixels a side. */
function stampSandbox(data: Uint8ClampedArray, width: number, height: number): void {
  const dot = Math.max(2, Math.round(Math.min(width, height) / 220));
  const margin = dot * 4;
  const top = height - margin - GLYPH_ROWS.length * dot;
  for (let at = (top - margin) * width * 4; at < data.length; at++) {
    if (at % 4 !== 3) data[at] = (data[at] ?? 0) * (1 - STRIP_DARKNESS);
  }
  for (let y = top; y < height - margin; y++) {
    const row = GLYPH_ROWS[Math.floor((y - top) / dot)] ?? '';
    for (let x = 0; x < row.length * dot; x++) {
      if (row[Math.floor(x / dot)] === '#') data.set(INK, (y * width + margin + x) * 4);
    }
  }
}
