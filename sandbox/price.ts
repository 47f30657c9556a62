// Owns what a picture costs in the sandbox, inside the ranges that the service's page gives.

const SMALL_PIXELS = 512 * 512;
const MEDIUM_PIXELS = 1024 * 1024;
const LARGE_PIXELS = 2048 * 2048;

/**
 * Credits by area alone: 10 up to 512², rising evenly to 20 at 1024² and to 40 at 2048² (the page says 30–50 there and
 * nothing about what lies between), rounded up.
 */
export function priceCredits(width: number, height: number): number {
  const pixels = width * height;
  if (pixels <= SMALL_PIXELS) return 10;
  if (pixels <= MEDIUM_PIXELS) return Math.ceil(10 + (10 * (pixels - SMALL_PIXELS)) / (MEDIUM_PIXELS - SMALL_PIXELS));
  return Math.ceil(20 + (20 * (pixels - MEDIUM_PIXELS)) / (LARGE_PIXELS - MEDIUM_PIXELS));
}
