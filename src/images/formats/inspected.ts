/** What the bytes of a picture tell about it. */

export type Inspected = {
  mediaType: string;
  extension: string;
  /** Pixels; absent where the bytes do not tell. */
  size?: { width: number; height: number };
  /** False for what was certainly cut off: a connection that closes early leaves half of one that begins well. */
  isWhole: boolean;
};
