/** What a picture request may be: its bounds, its normal form, and the sizes behind the named aspect ratios. */
import * as z from 'zod';

/** Code points, so that the bound means the same in the JSON Schema (`maxLength`) and here. */
export const PROMPT_MAX_CHARACTERS = 4_000;
/** Sides in pixels; the provider says "up to 2K" and no more, see docs/service-questions.md, row 7. */
export const SIDE_PX = { min: 256, max: 2_048, step: 8, default: 1_024 };
export const FILE_NAME_MAX_CHARACTERS = 80;

export const FLUX_VERSIONS = ['flux-pro-1.1', 'flux-pro'] as const;
export const QUALITIES = ['high'] as const;
export const SIZES = ['standard', 'large'] as const;
export type Size = (typeof SIZES)[number];

/**
 * Width and height in pixels for each aspect ratio. `standard` stays at or under 1024² pixels, where the price list
 * ends its first bracket; `large` has its longest side at 2048.
 */
export const ASPECT_RATIOS = {
  '1:1': { standard: [1024, 1024], large: [2048, 2048] },
  '16:9': { standard: [1360, 768], large: [2048, 1152] },
  '9:16': { standard: [768, 1360], large: [1152, 2048] },
  '4:3': { standard: [1176, 880], large: [2048, 1536] },
  '3:4': { standard: [880, 1176], large: [1536, 2048] },
  '3:2': { standard: [1248, 832], large: [2048, 1368] },
  '2:3': { standard: [832, 1248], large: [1368, 2048] },
  '21:9': { standard: [1512, 648], large: [2048, 880] },
} as const satisfies Record<string, Record<Size, readonly [number, number]>>;
export type AspectRatio = keyof typeof ASPECT_RATIOS;
export const ASPECT_RATIO_NAMES = Object.keys(ASPECT_RATIOS) as [AspectRatio, ...AspectRatio[]];

/** A request in normal form: what is hashed, recorded and sent; sides in pixels. Absent means "not sent". */
export const imageRequestSchema = z.object({
  prompt: z.string(),
  width: z.number(),
  height: z.number(),
  version: z.exactOptional(z.enum(FLUX_VERSIONS)),
  quality: z.exactOptional(z.enum(QUALITIES)),
});
export type ImageRequest = z.infer<typeof imageRequestSchema>;

export type Order = {
  request: ImageRequest;
  /** Stem of the picture's file. */
  fileName?: string;
  /** A picture of its own, although an equal one is under way or was just made. */
  allowDuplicate?: boolean;
};

/**
 * The request as a text by which equal ones are found: what looks the same to a reader is the same.
 * @param nth which of the equal requests of one call it is, from 0: they are pictures of their own
 */
export function dedupeKey(request: ImageRequest, nth = 0): string {
  const { prompt, width, height, version, quality } = request;
  const pieces = [prompt.normalize('NFC').trim().replace(/\s+/gu, ' '), width, height, version, quality];
  return JSON.stringify(nth === 0 ? pieces : [...pieces, nth]);
}

export type SideChoice = {
  width?: number | undefined;
  height?: number | undefined;
  aspectRatio?: AspectRatio | undefined;
  size?: Size | undefined;
};

/** Width and height from what a caller may give: sides, or an aspect ratio with a size, or nothing. */
export function sidesOf({ width, height, aspectRatio, size }: SideChoice): { width: number; height: number } {
  if (width !== undefined && height !== undefined) return { width, height };
  if (aspectRatio === undefined && size === undefined)
    return { width: width ?? SIDE_PX.default, height: height ?? SIDE_PX.default };
  const [across, down] = ASPECT_RATIOS[aspectRatio ?? '1:1'][size ?? 'standard'];
  return { width: across, height: down };
}

/** Whether nothing contradicts: both sides may stand next to a ratio and a size that they have, as nearly as steps allow. */
export function agree({ width, height, aspectRatio, size }: SideChoice): boolean {
  if (aspectRatio === undefined && size === undefined) return true;
  if (width === undefined || height === undefined) return width === height;
  const [across = width, down = height] = aspectRatio?.split(':').map(Number) ?? [];
  const isOfSize = { standard: width * height <= 1_024 ** 2, large: Math.max(width, height) === SIDE_PX.max };
  return Math.abs((width * down) / (height * across) - 1) < 0.01 && (size === undefined || isOfSize[size]);
}

export type CreditRange = { min: number; max: number };

/** What a picture of this size (pixels) may cost. Between the two priced brackets: from the lowest to the highest. */
export function creditRange(width: number, height: number): CreditRange {
  // The price list names sides ("512×512 to 1024×1024", "2048×2048 and above"); pixels are taken to count.
  const pixels = width * height;
  if (pixels <= 1_024 ** 2) return { min: 10, max: 20 };
  if (pixels >= 2_048 ** 2) return { min: 30, max: 50 };
  return { min: 10, max: 50 };
}
