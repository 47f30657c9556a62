/** The ports for the bytes of pictures: fetching them from the service, keeping them on disk, showing them in an answer. */

/** Nothing larger is fetched, or read back: a 2048² picture is about 2 MB as JPEG and 12 MB as raw pixels. */
export const PICTURE_MAX_BYTES = 30 * 1024 * 1024;

export type Picture = {
  bytes: Uint8Array;
  /** What the bytes are, told from the bytes; `application/octet-stream` for a kind that is not known here. */
  mediaType: string;
  /** Without the dot. */
  extension: string;
  /** Pixels, as it is displayed; absent where the bytes do not tell. */
  size?: PixelSize;
};

export type PixelSize = { width: number; height: number };

export type PictureLabel = {
  jobId: string;
  prompt: string;
  fileName?: string;
  /** Epoch milliseconds. */
  createdAt: number;
  /** What is written next to the picture, for a person or a program that finds it years later; absent values are left out. */
  about: Readonly<Record<string, string | number | boolean | undefined>>;
};

export interface ImageDownload {
  /** @param url an address, or a data URL. @throws FluxError of kind `download_failed`; the credits are spent by then. */
  fetch(url: string, signal: AbortSignal): Promise<Picture>;
}

export interface ImageStore {
  /**
   * Writes the picture under a new name inside the output folder, and a JSON file of the same name next to it that says
   * what it is; never over an existing file. The picture counts as saved also where the JSON file cannot be written.
   * @returns the absolute path. @throws FluxError of kind `storage_failed`.
   */
  save(picture: Picture, label: PictureLabel): Promise<string>;
  /**
   * The bytes of a picture that was saved; of nothing else, whatever has taken its place.
   * @throws FluxError of kind `storage_failed`.
   */
  read(file: string): Promise<Uint8Array>;
}

/** What models and hosts take inside an answer. AVIF is not among it. */
export const SHOWN_TYPES = ['image/jpeg', 'image/png', 'image/webp'];

export type PreviewBounds = {
  /** Of the encoded picture. */
  maxBytes: number;
  /** Pixels of the longer side. */
  maxSidePx: number;
};

export type ShownPicture = {
  bytes: Uint8Array;
  mediaType: string;
  size?: PixelSize;
  /** Not the saved bytes, but a smaller picture made from them. */
  isPreview: boolean;
};

/** Empty without `bytes`, or where these cannot be decoded. */
export type SheetCell = { number: number; bytes: Uint8Array | undefined };

export interface Preview {
  /**
   * The picture itself where it is within the bounds, else a smaller JPEG, as large as fits.
   * @returns `undefined` when neither can be had (a format that is not decoded here, no room for anything worth seeing)
   */
  fit(bytes: Uint8Array, bounds: PreviewBounds): Promise<ShownPicture | undefined>;
  /** All in one JPEG, in rows, each with its number: a contact sheet. `undefined` when none of them can be shown. */
  sheet(cells: readonly SheetCell[], bounds: PreviewBounds): Promise<ShownPicture | undefined>;
  close(): Promise<void>;
}
