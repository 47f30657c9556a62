/** Something that is made at the first use, once, and again only if making it failed. */
export class Lazy<Value> {
  readonly #make: () => Promise<Value>;
  #making: Promise<Value> | undefined;
  /** The value once it has been made. */
  current: Value | undefined;

  constructor(make: () => Promise<Value>) {
    this.#make = make;
  }

  /** The value, made now if need be. A failure is not remembered: what the user corrects works without a restart. */
  get(): Promise<Value> {
    this.#making ??= this.#make().then(
      (value) => (this.current = value),
      (error: unknown) => {
        this.#making = undefined;
        throw error;
      },
    );
    return this.#making;
  }

  /** The value if it has been made or is being made; nothing is begun for it. */
  async settled(): Promise<Value | undefined> {
    return this.#making?.catch(() => undefined);
  }
}
