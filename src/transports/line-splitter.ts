/** Cuts a stream of bytes into lines of bounded length. */

const NEWLINE = 0x0a;

export class LineSplitter {
  readonly #maxBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns the lines that are complete now, without their ends; `too-long` at the first that exceeds the bound */
  *push(chunk: Uint8Array): Generator<Uint8Array | 'too-long'> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); ; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (this.#pendingBytes + piece.length > this.#maxBytes) {
        this.rest();
        yield 'too-long';
        return;
      }
      if (piece.length > 0) {
        this.#pending.push(piece);
        this.#pendingBytes += piece.length;
      }
      if (end === -1) return;
      yield this.rest();
      start = end + 1;
    }
  }

  /** Takes what came after the last line's end. */
  rest(): Uint8Array {
    const [only, ...more] = this.#pending;
    const line = only === undefined ? new Uint8Array() : more.length === 0 ? only : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return line;
  }
}
