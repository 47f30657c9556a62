/** The secrets of this process, and a redactor that knows them all, later ones included. */
import type { Config } from '../config/settings.ts';
import { isStandIn, placeholderIn } from '../core/api-key.ts';
import { proxySecrets } from '../core/proxy.ts';
import { createRedactor, type Redact } from '../core/redaction.ts';

/** The secrets in these settings. */
export function secretsOf(config: Pick<Config, 'apiKey' | 'webhookSecret' | 'httpsProxy' | 'httpProxy'>): Secrets {
  const { apiKey, webhookSecret } = config;
  const given = [apiKey, webhookSecret].filter((secret) => secret !== undefined).filter(isSecret);
  return new Secrets([...given, ...proxySecrets(config)]);
}

/** A placeholder is no secret: removing it would blank out the very words that say what is wrong. */
export function isSecret(text: string): boolean {
  return placeholderIn(text) === undefined && !isStandIn(text);
}

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

  readonly redact: Redact = (text, maxCharacters) => this.#redact(text, maxCharacters);
}
