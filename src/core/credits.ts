/** The provider's price list in credits, as ranges: only the job itself tells the exact figure. */

export type CreditRange = { min: number; max: number };

// The price list names sides ("512×512 to 1024×1024", "2048×2048 and above"); pixels are taken to count.
const FIRST_BRACKET_MAX_PIXELS = 1_024 * 1_024;
const LAST_BRACKET_MIN_PIXELS = 2_048 * 2_048;

/** A price above this, ten times the list's upper end, is taken for a mistake. */
export const PLAUSIBLE_CREDITS_MAX = 500;

/** What a picture of this size (pixels) may cost. Between the two priced brackets: from the lowest to the highest. */
export function creditRange(width: number, height: number): CreditRange {
  const pixels = width * height;
  if (pixels <= FIRST_BRACKET_MAX_PIXELS) return { min: 10, max: 20 };
  if (pixels >= LAST_BRACKET_MIN_PIXELS) return { min: 30, max: 50 };
  return { min: 10, max: 50 };
}
