/** The secrets of this process, and a redactor that knows them all, later ones included. */
import { createRedactor, type Redact } from '../core/redaction.ts';

export class Secrets {
  #secrets: readonly string[];
  #redact: Redact;

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
    this.#redact = createRedactor(secrets);
  }

  add(secret: string): void {
    if (this.#secrets.includes(secret)) return;
    this.#secrets = [...this.#secrets, secret];
    this.#redact = createRedactor(this.#secrets);
  }

  readonly redact: Redact = (text) => this.#redact(text);
}
