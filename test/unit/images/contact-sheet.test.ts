/** Proves that a contact sheet has a cell for each picture, in its place, with its colour and its number. */
import { afterAll, describe, expect, it } from 'vitest';
import type { SheetCell } from '../../../src/core/image-store.ts';
import { createPreview } from '../../../src/images/preview.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { decodeJpeg } from '../../support/jpeg.ts';
import { avifOf, pngOf } from '../../support/pictures.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const preview = createPreview({ clock: systemClock, log: silent });
afterAll(() => preview.close());

type Color = readonly [red: number, green: number, blue: number];
const COLORS: readonly Color[] = [
  [220, 30, 30],
  [30, 180, 30],
  [30, 30, 220],
  [220, 200, 30],
  [30, 200, 200],
];
const WIDE = { maxBytes: 1e6, maxSidePx: 1_000 };

function plain([red, green, blue]: Color) {
  return (width: number, height: number) => {
    const data = new Uint8ClampedArray(4 * width * height);
    for (let at = 0; at < data.length; at += 4) data.set([red, green, blue, 255], at);
    return { data, width, height, colorSpace: 'srgb' as const };
  };
}

const cellOf = async (color: Color, number: number): Promise<SheetCell> => ({
  number,
  bytes: await pngOf(400, 400, 0, plain(color)),
});
const CELLS = await Promise.all(COLORS.map((color, at) => cellOf(color, at + 1)));

async function sheetOf(cells: readonly SheetCell[], bounds = WIDE) {
  const sheet = await preview.sheet(cells, bounds);
  if (sheet === undefined) throw new Error('no sheet');
  const pixels = await decodeJpeg(sheet.bytes);
  const colorAt = (x: number, y: number): Color => {
    const at = 4 * (Math.floor(y) * pixels.width + Math.floor(x));
    return [pixels.data[at] ?? 0, pixels.data[at + 1] ?? 0, pixels.data[at + 2] ?? 0];
  };
  return { ...pixels, sheet, colorAt };
}

const isNear = (one: Color, other: Color): boolean => one.every((value, at) => Math.abs(value - (other[at] ?? 0)) < 40);

/** The number in a cell's corner, as rows of # and spaces, read at the middle of each of its pixels. */
function drawnIn(colorAt: (x: number, y: number) => Color, left: number, top: number, unit: number, digits: number) {
  return Array.from({ length: 5 }, (_, row) =>
    Array.from({ length: 4 * digits - 1 }, (_, column) => {
      const [red] = colorAt(left + (column + 1.5) * unit, top + (row + 1.5) * unit);
      return red > 128 ? '#' : ' ';
    }).join(''),
  );
}

describe('a contact sheet', () => {
  it('is a JPEG of rows of equal cells, each with the colour of its picture', async () => {
    const { width, height, sheet, colorAt } = await sheetOf(CELLS);
    expect(sheet).toMatchObject({ mediaType: 'image/jpeg', isPreview: true, size: { width, height } });
    // Three cells in a row, as many rows as it takes.
    expect([width, height]).toEqual([3 * 320, 2 * 320]);
    for (const [at, color] of COLORS.entries()) {
      const [x, y] = [(at % 3) * 320 + 200, Math.floor(at / 3) * 320 + 200];
      expect(isNear(colorAt(x, y), color), `cell ${at + 1}`).toBe(true);
    }
    expect(isNear(colorAt(2 * 320 + 200, 320 + 200), [255, 255, 255])).toBe(true);
  });

  it('has the number of each picture in its corner', async () => {
    const { colorAt } = await sheetOf([{ ...CELLS[0], number: 27 } as SheetCell, CELLS[3] as SheetCell]);
    expect(drawnIn(colorAt, 0, 0, 10, 2)).toEqual(['### ###', '  #   #', '###   #', '#     #', '###   #']);
    expect(drawnIn(colorAt, 320, 0, 10, 1)).toEqual(['# #', '# #', '###', '  #', '  #']);
  });

  it('keeps every bound, and the pictures their proportions', async () => {
    const wide = { number: 1, bytes: await pngOf(600, 300, 0, plain(COLORS[0] as Color)) };
    for (const bounds of [
      { maxBytes: 4_000, maxSidePx: 2_000 },
      { maxBytes: 1e6, maxSidePx: 300 },
    ]) {
      const { width, height, sheet, colorAt } = await sheetOf([wide, ...CELLS.slice(1)], bounds);
      expect(sheet.bytes.length).toBeLessThanOrEqual(bounds.maxBytes);
      expect(Math.max(width, height)).toBeLessThanOrEqual(bounds.maxSidePx);
      const side = width / 3;
      expect(isNear(colorAt(0.6 * side, 0.4 * side), COLORS[0] as Color)).toBe(true);
      expect(isNear(colorAt(0.6 * side, 0.8 * side), [255, 255, 255])).toBe(true);
    }
  });

  it('has an empty cell with a number for what cannot be shown', async () => {
    const avif = { number: 2, bytes: avifOf(64, 64) };
    const { colorAt } = await sheetOf([CELLS[0] as SheetCell, avif, { number: 3, bytes: undefined }]);
    expect(isNear(colorAt(320 + 200, 200), [255, 255, 255])).toBe(true);
    expect(drawnIn(colorAt, 320, 0, 10, 1)).toEqual(['###', '  #', '###', '#  ', '###']);
    expect(drawnIn(colorAt, 0, 320, 10, 1)).toEqual(['###', '  #', '###', '  #', '###']);
  });

  it('is none where no picture can be shown, or there is no room', async () => {
    expect(await preview.sheet([{ number: 1, bytes: undefined }], WIDE)).toBeUndefined();
    expect(await preview.sheet(CELLS, { ...WIDE, maxBytes: 200 })).toBeUndefined();
  });
});
