/** Proves what of a picture is shown inside an answer: itself where it fits, else a smaller one, as large as fits. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makePreview } from '../../../src/images/make-preview.ts';
import { createPreview } from '../../../src/images/preview.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { decodeJpeg } from '../../support/jpeg.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { avifOf, jpegOf, pngOf, SMALL_JPEG, webpOf } from '../../support/pictures.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const preview = createPreview({ clock: systemClock, log: silent });
afterAll(() => preview.close());

const WIDE = { maxBytes: 1e7, maxSidePx: 2_000 };
const PICTURES: [string, Uint8Array][] = [
  ['JPEG', await jpegOf(600, 400, { grain: 0.4 })],
  ['PNG', await pngOf(600, 400, 0.4)],
  ['WebP', await webpOf(600, 400, 0.4)],
];

describe.each(PICTURES)('a %s', (type, bytes) => {
  it('that fits is shown as it is', async () => {
    const shown = await preview.fit(Uint8Array.from(bytes), WIDE);
    expect(shown).toMatchObject({ isPreview: false, mediaType: `image/${type.toLowerCase()}` });
    expect(Buffer.from(shown?.bytes ?? []).equals(bytes)).toBe(true);
  });

  it.each([20_000, 8_000, 3_000])(
    'is made smaller for %d bytes, in its proportions, and uses most of them',
    async (maxBytes) => {
      const shown = await preview.fit(Uint8Array.from(bytes), { maxBytes, maxSidePx: 2_000 });
      expect(shown).toMatchObject({ isPreview: true, mediaType: 'image/jpeg' });
      const length = shown?.bytes.length ?? 0;
      expect(length).toBeLessThanOrEqual(maxBytes);
      expect(length).toBeGreaterThan(maxBytes / 2);
      const { width, height } = await decodeJpeg(shown?.bytes ?? new Uint8Array());
      expect({ width, height }).toEqual(shown?.size);
      expect(width / height).toBeCloseTo(1.5, 1);
    },
  );

  it('is made smaller where it has more pixels than are shown', async () => {
    const shown = await preview.fit(Uint8Array.from(bytes), { maxBytes: 1e7, maxSidePx: 320 });
    expect(shown?.size).toEqual({ width: 320, height: 213 });
  });

  it('is not shown where there is room for nothing worth seeing', async () => {
    expect(await preview.fit(Uint8Array.from(bytes), { maxBytes: 300, maxSidePx: 2_000 })).toBeUndefined();
  });
});

it('never exceeds its bounds', async () => {
  const [, [, png] = []] = PICTURES;
  const bounds = fc.record({
    maxBytes: fc.integer({ min: 0, max: 60_000 }),
    maxSidePx: fc.integer({ min: 64, max: 700 }),
  });
  await fc.assert(
    fc.asyncProperty(bounds, async ({ maxBytes, maxSidePx }) => {
      const made = await makePreview(png ?? new Uint8Array(), { maxBytes, maxSidePx });
      if (made === undefined) return;
      expect(made.bytes.length).toBeLessThanOrEqual(maxBytes);
      expect(Math.max(made.size.width, made.size.height)).toBeLessThanOrEqual(maxSidePx);
    }),
    { numRuns: 25 },
  );
});

it('shows what is transparent on white', async () => {
  const { default: encode } = await import('@jsquash/png/encode.js');
  const data = new Uint8ClampedArray(200 * 200 * 4);
  const bytes = new Uint8Array(await encode({ data, width: 200, height: 200, colorSpace: 'srgb' }));
  const made = await makePreview(bytes, { maxBytes: 1e6, maxSidePx: 100 });
  const pixels = await decodeJpeg(made?.bytes ?? new Uint8Array());
  expect(Math.min(...pixels.data.slice(0, 3))).toBeGreaterThan(250);
});

it.each([
  ['AVIF, which is not decoded here', avifOf(64, 64)],
  ['no picture', Buffer.from('<!doctype html>')],
  ['half a PNG', (await pngOf(64, 64)).slice(0, 80)],
  ['a header that promises more pixels than there is memory for', promising(60_000)],
])('nothing is shown of %s', async (_, bytes) => {
  const shown = await preview.fit(Uint8Array.from(bytes), { maxBytes: 20, maxSidePx: 2_000 });
  expect(shown).toBeUndefined();
});

it('works again after a picture that broke the decoder, and ends with the server', async () => {
  const own = createPreview({ clock: systemClock, log: silent });
  const broken = Uint8Array.from(await webpOf(64, 64)).fill(7, 40, 200);
  await own.fit(broken, { maxBytes: 1e6, maxSidePx: 32 });
  expect(await own.fit(await jpegOf(200, 100), { maxBytes: 1e6, maxSidePx: 100 })).toMatchObject({ isPreview: true });
  await own.close();
});

it('ends its thread when nobody needs it, and begins a new one for the next picture', async () => {
  const clock = createManualClock();
  const own = createPreview({ clock, log: silent });
  const half = { maxBytes: 1e6, maxSidePx: 80 };
  expect(await own.fit(await jpegOf(100, 100), half)).toMatchObject({ isPreview: true });
  await clock.advance(30_000);
  expect(await own.fit(await jpegOf(100, 100), half)).toMatchObject({ isPreview: true });
  await own.close();
});

it('gives up on a picture that takes for ever', async () => {
  const clock = createManualClock();
  const own = createPreview({ clock, log: silent });
  const waiting = own.fit(await jpegOf(1_024, 1_024), { maxBytes: 1e6, maxSidePx: 512 });
  await clock.advance(20_000);
  expect(await waiting).toBeUndefined();
  await own.close();
});

/** A JPEG whose frame header says another size than its pixels have. */
function promising(side: number): Uint8Array {
  const bytes = Uint8Array.from(SMALL_JPEG);
  for (let at = 2; at < bytes.length - 9; at += 1)
    if (bytes[at] === 0xff && ((bytes[at + 1] ?? 0) === 0xc0 || bytes[at + 1] === 0xc2)) {
      new DataView(bytes.buffer).setUint16(at + 5, side);
      new DataView(bytes.buffer).setUint16(at + 7, side);
      break;
    }
  return bytes;
}
