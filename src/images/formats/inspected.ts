/** What is known of a picture from its bytes, and how formats report it. */

export type Size = { width: number; height: number };

export type Inspected = {
  mediaType: string;
  extension: string;
  /** Pixels as the picture is displayed; absent where the bytes do not say. */
  size?: Size;
  /** False for what was certainly cut off: a connection that closes early leaves half of one that begins well. */
  isWhole: boolean;
  /** How the stored pixels are turned to be displayed, as EXIF counts it: 2 to 8; absent where they are not. */
  orientation?: number;
  /** Its headers contradict each other: no decoder is given such bytes, and no host. */
  isDamaged?: true;
  /** Printing colours, which are not decoded here. */
  isCmyk?: true;
};

/** Puts together what a format has found; the size is that of the stored pixels. */
export function inspected(
  [mediaType, extension]: readonly [mediaType: string, extension: string],
  isWhole: boolean,
  size: Size | undefined,
  more: { orientation?: number | undefined; isDamaged?: boolean; isCmyk?: boolean } = {},
): Inspected {
  const { orientation = 1, isDamaged = false, isCmyk = false } = more;
  return {
    mediaType,
    extension,
    ...(size && { size: isOnItsSide(orientation) ? { width: size.height, height: size.width } : size }),
    isWhole,
    ...(orientation !== 1 && { orientation }),
    ...(isDamaged && { isDamaged }),
    ...(isCmyk && { isCmyk }),
  };
}

/** `undefined` where one of them is 0, as it is where the bytes end too early. */
export function sizeOf(width: number, height: number): Size | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined;
}

export function isOnItsSide(orientation: number): boolean {
  return orientation >= 5;
}
