/** Several pictures in one, in rows of equal cells, each with its number in the corner. */
import type { PreviewBounds, SheetCell } from '../core/image-store.ts';
import { type Pixels, shrunk } from './codecs.ts';
import { encodedWithin, type MadePreview, pixelsOf } from './make-preview.ts';

const CELL_PX = 320;
const GAP_PX = 4;
/** Each digit in five rows of three pixels, a row as a digit of base 8. */
const DIGITS = ['75557', '26227', '71747', '71717', '55711', '74717', '74757', '71111', '75757', '75717'];
/** The height of a number with its border, in units of its own pixels, and how many of these a cell has. */
const LABEL_UNITS = 7;
const CELL_UNITS = 32;

/** @returns `undefined` when none of them can be shown, or there is no room */
export async function makeSheet(cells: readonly SheetCell[], bounds: PreviewBounds): Promise<MadePreview | undefined> {
  const columns = Math.ceil(Math.sqrt(cells.length));
  const side = Math.min(CELL_PX, Math.floor(bounds.maxSidePx / columns));
  const [width, height] = [columns * side, Math.ceil(cells.length / columns) * side];
  const sheet = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(255) };
  let shown = 0;
  for (const [at, { number, bytes }] of cells.entries()) {
    const corner = Math.floor(at / columns) * side * width + (at % columns) * side;
    const pixels = bytes && (await pixelsOf(bytes));
    if (pixels !== undefined) {
      shown += 1;
      draw(await shrunk(pixels, side - GAP_PX), sheet, corner);
    }
    drawNumber(String(number), sheet, corner, Math.max(1, Math.floor(side / CELL_UNITS)));
  }
  return shown === 0 ? undefined : encodedWithin(sheet, bounds, sheet.data.length / 8);
}

function draw(picture: Pixels, sheet: Pixels, corner: number): void {
  const row = 4 * picture.width;
  for (let y = 0; y < picture.height; y += 1)
    sheet.data.set(picture.data.subarray(y * row, (y + 1) * row), 4 * (corner + y * sheet.width));
}

/** White on black, with a border of one unit. */
function drawNumber(number: string, { data, width }: Pixels, corner: number, unit: number): void {
  for (let y = 0; y < LABEL_UNITS * unit; y += 1)
    for (let x = 0; x < (4 * number.length + 1) * unit; x += 1) {
      const [column, row] = [Math.floor(x / unit) - 1, Math.floor(y / unit) - 1];
      const digit = DIGITS[Number(number[Math.floor(column / 4)])] ?? '';
      const isInk = column % 4 < 3 && ((Number(digit[row] ?? 0) >> (2 - (column % 4))) & 1) === 1;
      const at = 4 * (corner + y * width + x);
      data.fill(isInk ? 255 : 0, at, at + 3);
    }
}
