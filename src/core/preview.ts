/** The port for pictures as they are shown inside an answer: small enough for the host, or smaller by choice. */

export type PreviewBounds = {
  /** Of the encoded picture. */
  maxBytes: number;
  /** Pixels of the longer side. */
  maxSidePx: number;
};

/** `size` in pixels; absent where the bytes do not tell. */
export type ShownPicture = {
  bytes: Uint8Array;
  mediaType: string;
  size?: { width: number; height: number };
  /** Not the saved bytes, but a smaller picture made from them. */
  isPreview: boolean;
};

export interface Preview {
  /**
   * The picture itself where it is within the bounds, else a smaller JPEG, as large as fits. The bytes are taken over:
   * they may be empty afterwards, because copying some megabytes would keep everything else waiting.
   * @returns `undefined` when neither can be had (a format that is not decoded here, no room for anything worth seeing)
   */
  fit(bytes: Uint8Array, bounds: PreviewBounds): Promise<ShownPicture | undefined>;
  close(): Promise<void>;
}
