// Owns the mark on every picture: a dark strip along the foot that says SANDBOX, and the picture's size.

import type { Pixels } from './landscape.ts';

/** Five by seven dots each; characters that are not drawn are blank. */
const GLYPHS: Record<string, string> = {
  S: '.###. #...# #.... .###. ....# #...# .###.',
  A: '.###. #...# #...# ##### #...# #...# #...#',
  N: '#...# ##..# #.#.# #.#.# #..## #...# #...#',
  D: '####. #...# #...# #...# #...# #...# ####.',
  B: '####. #...# #...# ####. #...# #...# ####.',
  O: '.###. #...# #...# #...# #...# #...# .###.',
  X: '#...# #...# .#.#. ..#.. .#.#. #...# #...#',
  0: '.###. #...# #..## #.#.# ##..# #...# .###.',
  1: '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
  2: '.###. #...# ....# ..##. .#... #.... #####',
  3: '##### ...#. ..#.. ...#. ....# #...# .###.',
  4: '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
  5: '##### #.... ####. ....# ....# #...# .###.',
  6: '..##. .#... #.... ####. #...# #...# .###.',
  7: '##### ....# ...#. ..#.. .#... .#... .#...',
  8: '.###. #...# #...# .###. #...# #...# .###.',
  9: '.###. #...# #...# .#### ....# ...#. .##..',
  '×': '..... ..... #...# .#.#. ..#.. .#.#. #...#',
};
const GLYPH_WIDTH = 5;
const GLYPH_HEIGHT = 7;
const STRIP_DARKNESS = 0.62;
const INK: readonly [number, number, number] = [250, 247, 238];

/** Marks the picture in place; readable from 256 to 2048 pixels a side. */
export function stampSandbox(picture: Pixels): void {
  const { width, height, data } = picture;
  const dot = Math.max(2, Math.round(Math.min(width, height) / 220));
  const margin = dot * 4;
  const strip = GLYPH_HEIGHT * dot + 2 * margin;
  for (let at = (height - strip) * width * 4; at < data.length; at++) {
    if (at % 4 !== 3) data[at] = (data[at] ?? 0) * (1 - STRIP_DARKNESS);
  }
  const top = height - strip + margin;
  const size = `${width}×${height}`;
  const sizeWidth = (size.length * (GLYPH_WIDTH + 1) - 1) * dot;
  write(picture, 'SANDBOX', margin, top, dot, 1);
  write(picture, size, width - margin - sizeWidth, top, dot, 0.6);
}

function write(picture: Pixels, text: string, left: number, top: number, dot: number, strength: number): void {
  for (const [position, character] of [...text].entries()) {
    const rows = GLYPHS[character]?.split(' ') ?? [];
    for (let y = 0; y < GLYPH_HEIGHT * dot; y++) {
      for (let x = 0; x < GLYPH_WIDTH * dot; x++) {
        if (rows[Math.floor(y / dot)]?.[Math.floor(x / dot)] !== '#') continue;
        const at = ((top + y) * picture.width + left + position * (GLYPH_WIDTH + 1) * dot + x) * 4;
        for (const [channel, ink] of INK.entries()) {
          const under = picture.data[at + channel] ?? 0;
          picture.data[at + channel] = under + (ink - under) * strength;
        }
      }
    }
  }
}
