/** What all formats share: reading bytes whose length nobody vouches for, and what is found in them. */

export type Size = { width: number; height: number };

/** What a format finds; `undefined` is no picture of this format. */
export type Format = (reader: ByteReader) => Found | undefined;

export type Found = {
  type: readonly [mediaType: string, extension: string];
  /** False for what was certainly cut off: a connection that closes early leaves half of one that begins well. */
  isWhole: boolean;
  /** Of the stored pixels. */
  size?: Size | undefined;
  /** As EXIF counts it, 1 to 8. */
  orientation?: number | undefined;
  /** Its headers contradict each other. */
  isDamaged?: boolean;
  /** Printing colours. */
  isCmyk?: boolean;
  /** The colour profile, of which no more than `maxBytes` is unpacked. */
  profile?: (maxBytes: number) => Uint8Array | undefined;
};

/** Beyond the end there is nothing: each number there is 0. */
export class ByteReader {
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.bytes.length;
  }

  byte(at: number): number {
    return this.bytes[at] ?? 0;
  }

  uint16(at: number, littleEndian = false): number {
    return at + 2 <= this.length ? this.#view.getUint16(at, littleEndian) : 0;
  }

  uint32(at: number, littleEndian = false): number {
    return at + 4 <= this.length ? this.#view.getUint32(at, littleEndian) : 0;
  }

  startsWith(at: number, word: string): boolean {
    return this.word(at, word.length) === word;
  }

  word(at: number, length: number): string {
    return Buffer.from(this.bytes.subarray(at, at + length)).toString('latin1');
  }
}

/** `undefined` where one of them is 0, as it is where the bytes end too early. */
export function sizeOf(width: number, height: number): Size | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined;
}
