/** Paints the sandbox's pictures: a sky with a low sun over ridges that fade into mist, in colours of the seed. */

export type Pixels = { data: Uint8ClampedArray; width: number; height: number };
type Rgb = readonly [number, number, number];
type Random = () => number;

const RIDGES = 5;

/** The same for the same seed and size. */
export function paintLandscape(seed: number, width: number, height: number): Pixels {
  const random = randomOf(seed);
  const hue = 360 * random();
  const [top, horizon] = [hsl(hue, 45, 28 + 20 * random()), hsl(hue + 60 + 120 * random(), 70, 80)];
  const [far, near] = [mix(horizon, hsl(hue, 35, 40), 0.45), hsl(hue - 20, 40, 9)];
  const sun = { x: width * (0.2 + 0.6 * random()), y: height * (0.22 + 0.25 * random()), radius: height * 0.07 };
  const ridges = Array.from({ length: RIDGES }, (_, nth) => {
    const depth = nth / (RIDGES - 1);
    const colour = mix(far, near, depth);
    return { crest: crestOf(random, width, height, 0.5 + 0.36 * depth), colour, mist: mix(colour, horizon, 0.3) };
  });

  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y += 1) {
    const sky = mix(top, horizon, (y / height / 0.62) ** 1.4);
    for (let x = 0; x < width; x += 1, at += 4) {
      let nearest = RIDGES - 1;
      while (nearest >= 0 && y < (ridges[nearest]?.crest[x] ?? 0)) nearest -= 1;
      const ridge = ridges[nearest];
      // A ridge is clearest at its crest and sinks into mist below it; the sun is brightest in the sky.
      const from = ridge?.colour ?? sky;
      const to = ridge?.mist ?? SUNLIGHT;
      const below = ridge === undefined ? 0 : y - (ridge.crest[x] ?? 0);
      const amount = ridge === undefined ? sunAt(sun, x, y) : Math.min(1, below / (height * 0.2));
      data[at] = from[0] + (to[0] - from[0]) * amount;
      data[at + 1] = from[1] + (to[1] - from[1]) * amount;
      data[at + 2] = from[2] + (to[2] - from[2]) * amount;
      data[at + 3] = 255;
    }
  }
  return { data, width, height };
}

const SUNLIGHT: Rgb = [255, 246, 222];

/** 1 on the disc, and a glow around it that fades with the distance. */
function sunAt(sun: { x: number; y: number; radius: number }, x: number, y: number): number {
  const distance = Math.sqrt((x - sun.x) ** 2 + (y - sun.y) ** 2) / sun.radius;
  return distance < 1 ? 1 : 0.55 / (1 + 0.35 * (distance - 1));
}

/** The height of a ridge in each column: three waves, each shorter and lower than the one before. */
function crestOf(random: Random, width: number, height: number, middle: number): Float64Array {
  const waves = [1, 2.7, 7.1].map((times) => ({ times, shift: 2 * Math.PI * random(), high: (0.08 * height) / times }));
  return Float64Array.from({ length: width }, (_, x) =>
    waves.reduce(
      (y, { times, shift, high }) => y + high * Math.sin((x / width) * 2 * Math.PI * times + shift),
      middle * height,
    ),
  );
}

function mix(from: Rgb, to: Rgb, amount: number): Rgb {
  const part = Math.min(1, Math.max(0, amount));
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, from[2] + (to[2] - from[2]) * part];
}

/** Degrees and percent to 0…255, by the definition of CSS. */
function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const light = lightness / 100;
  const strength = (saturation / 100) * Math.min(light, 1 - light);
  const channel = (nth: number): number => {
    const k = (nth + (((hue % 360) + 360) % 360) / 30) % 12;
    return 255 * (light - strength * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** A linear congruential generator: 0 up to 1, the same sequence for the same seed. */
function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
