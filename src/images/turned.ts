/** Turns and mirrors pixels as EXIF says that they are displayed. */

import type { Pixels } from './codecs.ts';
import { isOnItsSide } from './formats/inspected.ts';

/** @param orientation 1 to 8, as EXIF counts */
export function turned(pixels: Pixels, orientation: number): Pixels {
  if (orientation === 1) return pixels;
  const { width, height } = pixels;
  const onSide = isOnItsSide(orientation);
  const to = onSide ? { width: height, height: width } : { width, height };
  const { data: stored } = pixels;
  const aligned = stored.byteOffset % 4 === 0 ? stored : stored.slice();
  const from = new Uint32Array(aligned.buffer, aligned.byteOffset, width * height);
  const data = new Uint32Array(width * height);
  const [mirrorX, mirrorY] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  for (let y = 0, at = 0; y < to.height; y += 1) {
    for (let x = 0; x < to.width; x += 1, at += 1) {
      const [column, row] = onSide ? [y, x] : [x, y];
      const sourceX = mirrorX ? width - 1 - column : column;
      const sourceY = mirrorY ? height - 1 - row : row;
      data[at] = from[sourceY * width + sourceX] ?? 0;
    }
  }
  return { ...to, data: new Uint8ClampedArray(data.buffer) };
}
