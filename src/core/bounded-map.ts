/** A map that forgets its oldest entry when there is no more room. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #max: number;

  /** @param max entries, at least 1 */
  constructor(max: number) {
    super();
    this.#max = max;
  }

  /** An entry that is set again counts as the newest. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    const [oldest] = this.keys();
    if (this.size > this.#max && oldest !== undefined) this.delete(oldest);
    return this;
  }
}
