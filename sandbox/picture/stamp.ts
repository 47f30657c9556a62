// Owns the mark on every picture: a dark strip along the foot that says SANDBOX.

import type { Pixels } from './landscape.ts';

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

/** Marks the picture in place; readable from 256 to 2048 pixels a side. */
export function stampSandbox({ width, height, data }: Pixels): void {
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
