/** Pictures as pixels, and the class by whose name the codecs make them: a browser has it, Node has not. */

/** RGBA, row by row. */
export type Pixels = { width: number; height: number; data: Uint8ClampedArray };

class PlainImageData implements Pixels {
  readonly colorSpace = 'srgb';
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

export function provideImageData(): void {
  const scope = globalThis as { ImageData?: unknown };
  scope.ImageData ??= PlainImageData;
}
