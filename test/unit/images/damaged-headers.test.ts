// Owns the proof that contradicting headers, large ones and turned pictures are found before any decoder runs.
import { describe, expect, it } from 'vitest';
import { pictureOf } from '../../../src/images/download.ts';
import { colorProfileOf, inspectPicture } from '../../../src/images/inspect.ts';
import { makePreview } from '../../../src/images/make-preview.ts';
import { decodeJpeg, quarterColors } from '../../support/jpeg.ts';
import {
  frameHeader,
  jpegOf,
  pngChunk,
  pngOf,
  quarters,
  rgbProfile,
  webpOf,
  withExif,
  withFrameSize,
  withProfile,
  withSecondFrame,
} from '../../support/pictures.ts';

const BOUNDS = { maxBytes: 1e6, maxSidePx: 64 };
const JPEG = await jpegOf(96, 64);
const QUARTERS = await jpegOf(96, 64, { pixels: quarters });
const PNG = await pngOf(96, 64);
const WEBP = await webpOf(96, 64);

function riff(...chunks: [string, Uint8Array][]): Uint8Array {
  const body = chunks.map(([name, content]) => {
    const head = Buffer.alloc(8);
    head.write(name, 'latin1');
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
  });
  const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  head.writeUInt32LE(4 + body.reduce((sum, { length }) => sum + length, 0), 4);
  return Buffer.concat([head, ...body]);
}

function canvas(width: number, height: number, flags = 0): Uint8Array {
  const chunk = Buffer.alloc(10);
  chunk[0] = flags;
  chunk.writeUIntLE(width - 1, 4, 3);
  chunk.writeUIntLE(height - 1, 7, 3);
  return chunk;
}

const WEBP_FRAME: [string, Uint8Array] = ['VP8 ', WEBP.subarray(20)];

describe('nothing is decoded, and all is kept, of', () => {
  it.each([
    ['a JPEG with a second frame', withSecondFrame(JPEG, 7_000, 7_000)],
    ['a JPEG with a small second frame', withSecondFrame(JPEG, 8, 8)],
    ['a JPEG with a second beginning', Buffer.concat([JPEG.subarray(0, 2), JPEG])],
    [
      'a JPEG that tells its height later',
      Buffer.concat([JPEG.subarray(0, -2), Buffer.from([0xff, 0xdc, 0, 4, 9, 9]), JPEG.subarray(-2)]),
    ],
    ['a JPEG without a height', withFrameSize(JPEG, 96, 0)],
    [
      'a PNG with a second header',
      Buffer.concat([PNG.subarray(0, 33), pngChunk('IHDR', PNG.subarray(16, 29)), PNG.subarray(33)]),
    ],
    ['a WebP whose canvas is smaller than its frame', riff(['VP8X', canvas(16, 16)], WEBP_FRAME)],
    ['a WebP whose canvas is larger than its frame', riff(['VP8X', canvas(4_000, 2_000)], WEBP_FRAME)],
    ['a WebP with two frames', riff(WEBP_FRAME, WEBP_FRAME)],
  ])('%s', async (_, bytes) => {
    expect(inspectPicture(bytes)).toMatchObject({ isWhole: true, isDamaged: true });
    expect(pictureOf(bytes).bytes).toBe(bytes);
    expect(await makePreview(bytes, BOUNDS)).toBeUndefined();
  });

  it.each([
    ['7,000² pixels', 7_000, 7_000],
    ['just over twice what can be ordered', 4_096, 2_049],
    ['a side of more than 4,096 pixels', 4_104, 64],
  ])('a JPEG that says %s', async (_, width, height) => {
    const bytes = withFrameSize(JPEG, width, height);
    expect(inspectPicture(bytes)).toMatchObject({ size: { width, height } });
    expect(await makePreview(bytes, BOUNDS)).toBeUndefined();
  });

  it('a JPEG in printing colours', async () => {
    const bytes = Buffer.concat([JPEG.subarray(0, 2), frameHeader(96, 64, 4), JPEG.subarray(2)]);
    expect(inspectPicture(bytes)).toMatchObject({ isCmyk: true });
    expect(await makePreview(bytes, BOUNDS)).toBeUndefined();
  });

  it('an animated WebP', async () => {
    const bytes = riff(['VP8X', canvas(96, 64, 2)], ['ANIM', Buffer.alloc(6)], ['ANMF', Buffer.alloc(40)]);
    expect(inspectPicture(bytes)).toMatchObject({ isWhole: true, size: { width: 96, height: 64 } });
    expect(await makePreview(bytes, BOUNDS).catch(() => undefined)).toBeUndefined();
  });
});

describe('a sound picture is not taken for a damaged one:', () => {
  it.each([
    ['a JPEG with a thumbnail in its EXIF data', withExif(JPEG, 1, JPEG)],
    [
      'an APNG',
      Buffer.concat([PNG.subarray(0, 33), pngChunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])), PNG.subarray(33)]),
    ],
    ['a WebP with a canvas of its size', riff(['VP8X', canvas(96, 64)], WEBP_FRAME)],
  ])('%s', async (_, bytes) => {
    expect(inspectPicture(bytes)).toMatchObject({ isDamaged: false });
    expect(await makePreview(bytes, BOUNDS)).toMatchObject({ size: { width: 64, height: 43 } });
  });
});

describe('a picture that is turned', () => {
  /** The quarters of the stored picture are red, green, blue and white: what is displayed, from the top left on. */
  const DISPLAYED: [number, string][] = [
    [1, 'RGBW'],
    [2, 'GRWB'],
    [3, 'WBGR'],
    [4, 'BWRG'],
    [5, 'RBGW'],
    [6, 'BRWG'],
    [7, 'WGBR'],
    [8, 'GWRB'],
  ];

  const sources: [string, (orientation: number) => Promise<Uint8Array>][] = [
    ['JPEG', async (orientation) => withExif(QUARTERS, orientation)],
    [
      'PNG',
      async (orientation) => {
        const png = await pngOf(96, 64, 0, quarters);
        return Buffer.concat([
          png.subarray(0, 33),
          pngChunk('eXIf', withExif(QUARTERS, orientation).subarray(12, 38)),
          png.subarray(33),
        ]);
      },
    ],
  ];
  it.each(
    sources.flatMap(([type, make]) =>
      DISPLAYED.map(([orientation, expected]) => [type, orientation, expected, make] as const),
    ),
  )('in a %s as EXIF counts %d is upright in its preview', async (_type, orientation, expected, make) => {
    const bytes = await make(orientation);
    const made = await makePreview(bytes, { maxBytes: 1e6, maxSidePx: 96 });
    const size = orientation >= 5 ? { width: 64, height: 96 } : { width: 96, height: 64 };
    expect(made).toMatchObject({ size });
    expect(inspectPicture(bytes)?.size).toEqual(size);
    expect(quarterColors(await decodeJpeg(made?.bytes ?? new Uint8Array()))).toBe(expected);
  });
});

describe('a colour profile', () => {
  it.each([
    ['JPEG', withProfile(JPEG, rgbProfile())],
    ['JPEG in several segments', withProfile(JPEG, rgbProfile(), 200)],
    ['PNG', Buffer.concat([PNG.subarray(0, 33), pngChunk('iCCP', rgbProfile({ packed: true })), PNG.subarray(33)])],
    ['WebP', riff(['VP8X', canvas(96, 64, 0x20)], ['ICCP', rgbProfile()], WEBP_FRAME)],
  ])('of a %s is that of its preview', async (_, bytes) => {
    const made = await makePreview(bytes, BOUNDS);
    const kept = colorProfileOf(made?.bytes ?? new Uint8Array());
    expect(Buffer.from(kept ?? []).equals(rgbProfile())).toBe(true);
    expect((await decodeJpeg(made?.bytes ?? new Uint8Array())).width).toBe(64);
  });

  it.each([
    ['for printing', rgbProfile({ space: 'CMYK' })],
    ['for grey', rgbProfile({ space: 'GRAY' })],
    ['that is none', Buffer.alloc(600, 7)],
    ['larger than any usual one', rgbProfile({ bytes: 20_000 })],
  ])('%s is left out', async (_, profile) => {
    const made = await makePreview(withProfile(JPEG, profile), BOUNDS);
    expect(made).toMatchObject({ size: { width: 64 } });
    expect(colorProfileOf(made?.bytes ?? new Uint8Array())).toBeUndefined();
  });

  it('that is a bomb is not unpacked', async () => {
    const bomb = rgbProfile({ packed: true, bytes: 50_000_000 });
    const bytes = Buffer.concat([PNG.subarray(0, 33), pngChunk('iCCP', bomb), PNG.subarray(33)]);
    expect(colorProfileOf(bytes)).toBeUndefined();
  });
});
