// Owns the mark on every picture: a dark strip along the foot that says SANDBOX, and the picture's size.

import { GLYPH_HEIGHT, GLYPH_WIDTH, hasDot } from './font.ts';
import type { Pixels } from './landscape.ts';

const STRIP_DARKNESS = 0.62;
const INK: readonly [number, number, number] = [250, 247, 238];

function write(picture: Pixels, text: string, left: number, top: number, dot: number, strength: number): void {
  for (const [position, character] of [...text].entries()) {
    for (let y = 0; y < GLYPH_HEIGHT * dot; y++) {
      for (let x = 0; x < GLYPH_WIDTH * dot; x++) {
        if (!hasDot(character, Math.floor(x / dot), Math.floor(y / dot))) continue;
        const at = ((top + y) * picture.width + left + position * (GLYPH_WIDTH + 1) * dot + x) * 4;
        for (const [channel, ink] of INK.entries()) {
          const under = picture.data[at + channel] ?? 0;
          picture.data[at + channel] = under + (ink - under) * strength;
        }
      }
    }
  }
}

const widthOf = (text: string, dot: number): number => ([...text].length * (GLYPH_WIDTH + 1) - 1) * dot;

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
  write(picture, 'SANDBOX', margin, top, dot, 1);
  write(picture, size, width - margin - widthOf(size, dot), top, dot, 0.6);
}
