/** What the bytes of a picture tell about it. */

export type Inspected = {
  mediaType: string;
  extension: string;
  /** Pixels as the picture is displayed; absent where the bytes do not tell. */
  size?: { width: number; height: number };
  /** False for what was certainly cut off: a connection that closes early leaves half of one that begins well. */
  isWhole: boolean;
  /** How the stored pixels are turned to be displayed, as EXIF counts it: 2 to 8; absent where they are not. */
  orientation?: number;
  /** Its headers contradict each other: no decoder is given such bytes, and no host. */
  isDamaged?: true;
  /** Printing colours, which are not decoded here. */
  isCmyk?: true;
};

/** Puts together what a format tells; the size is that of the stored pixels. */
export function inspected(
  type: Pick<Inspected, 'mediaType' | 'extension'>,
  facts: {
    size: Inspected['size'];
    isWhole: boolean;
    orientation?: number | undefined;
    isDamaged?: boolean;
    isCmyk?: boolean;
  },
): Inspected {
  const { size, isWhole, orientation = 1, isDamaged = false, isCmyk = false } = facts;
  return {
    ...type,
    ...(size === undefined
      ? {}
      : { size: isOnItsSide(orientation) ? { width: size.height, height: size.width } : size }),
    isWhole,
    ...(orientation === 1 ? {} : { orientation }),
    ...(isDamaged ? { isDamaged: true as const } : {}),
    ...(isCmyk ? { isCmyk: true as const } : {}),
  };
}

export function isOnItsSide(orientation: number): boolean {
  return orientation >= 5;
}
