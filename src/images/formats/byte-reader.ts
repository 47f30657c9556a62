/** Reads numbers and short words out of bytes whose length nobody vouches for: beyond the end there is nothing. */

export class ByteReader {
  readonly #view: DataView;
  readonly length: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
  }

  /** 0 beyond the end, as every number here. */
  byte(at: number): number {
    return at < this.length ? this.#view.getUint8(at) : 0;
  }

  uint16(at: number, littleEndian = false): number {
    return at + 2 <= this.length ? this.#view.getUint16(at, littleEndian) : 0;
  }

  uint24Little(at: number): number {
    return this.byte(at) | (this.byte(at + 1) << 8) | (this.byte(at + 2) << 16);
  }

  uint32(at: number, littleEndian = false): number {
    return at + 4 <= this.length ? this.#view.getUint32(at, littleEndian) : 0;
  }

  startsWith(at: number, word: string): boolean {
    return [...word].every((character, index) => this.byte(at + index) === character.charCodeAt(0));
  }
}
