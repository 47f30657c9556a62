// Owns the colours of the pictures: a hand-picked set of skies, each with the land that belongs under it.

export type Rgb = readonly [number, number, number];

export type Palette = {
  /** The sky from the zenith through the middle to the horizon. */
  top: Rgb;
  middle: Rgb;
  horizon: Rgb;
  /** The disc and its glow: a sun by day, a moon by night. */
  light: Rgb;
  /** The farthest and the nearest ridge; those between are mixed. */
  far: Rgb;
  near: Rgb;
  night: boolean;
};

function colour(hex: string): Rgb {
  const value = Number.parseInt(hex, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function palette(hexes: string, night = false): Palette {
  const [top = '0', middle = '0', horizon = '0', light = '0', far = '0', near = '0'] = hexes.split(' ');
  return {
    top: colour(top),
    middle: colour(middle),
    horizon: colour(horizon),
    light: colour(light),
    far: colour(far),
    near: colour(near),
    night,
  };
}

export const palettes: readonly Palette[] = [
  palette('2b3a67 b56b8c ffc09f fff1d0 c58497 1d1b33'),
  palette('35557f e9976b ffdfa8 fffbe6 d5957a 2a1a24'),
  palette('0f4c5c 5fa8a0 fbe8c8 fff9e8 86b8ae 0b2b33'),
  palette('1a1440 6d3b8e ff8f8f ffe3c2 8f5298 120c2b'),
  palette('2d0f1f a6323b ffb35c fff0c0 b04a48 1c0912'),
  palette('33659c 97c0dd f4f3ee ffffff 9fbdd6 16293d'),
  palette('050a1f 14274e 4b6c9a f5f2e0 34507d 040917', true),
  palette('03101a 0c3b46 58b397 eafff2 27625f 02100f', true),
  palette('6aa9b3 c6dcc4 ffd9c0 fffaf0 9cb9a9 26413f'),
  palette('432045 bb6480 f8b195 fff0dd a85f7c 1e0f26'),
  palette('22467a 7f8fc4 f9d5c9 fff7ec 8d92bd 151d3a'),
  palette('0b3d3a 4c8b5f f3dfa0 fffbd8 6d9c78 08211f'),
];

/** Between two colours: 0 is the first, 1 the second. */
export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}
