/** Bytes that come in chunks of any size, taken in the sizes that are asked for. */
export class Source {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #broken: () => Error;
  #rest: Buffer = Buffer.alloc(0);

  /** @param broken the error for what breaks off */
  constructor(chunks: AsyncIterable<Buffer>, broken: () => Error) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#broken = broken;
  }

  /** So many bytes at once. @throws what `broken` answers */
  async take(size: number): Promise<Buffer> {
    while (this.#rest.length < size) await this.#fill();
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  /** So many bytes in pieces, as they come. @throws what `broken` answers */
  async *pieces(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0) await this.#fill();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Takes so many bytes, for nothing. @throws what `broken` answers */
  async skip(size: number): Promise<void> {
    for await (const _ of this.pieces(size));
  }

  /** @returns true when nothing is left */
  async isOver(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more());
  }

  /** Takes all that is left, so that whoever writes can end. */
  async drain(): Promise<void> {
    for (this.#rest = Buffer.alloc(0); await this.#more(); ) this.#rest = Buffer.alloc(0);
  }

  /** No more is wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(): Promise<void> {
    if (!(await this.#more())) throw this.#broken();
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}
