/** The one redactor: removes the user's secrets, and what looks like one, from text that leaves the process. */
import { createSecretSearch, type Span } from './secret-search.ts';

/**
 * @param maxCharacters how much of the text is wanted, by default all of it. The rest is cut off before any pattern
 * runs, except for what is needed to recognise a secret that begins before the cut.
 */
export type Redact = (text: string, maxCharacters?: number) => string;
/** Whether a text contains one of the user's secrets, in any encoding. */
export type ContainsSecret = (text: string) => boolean;

export const REDACTED = '[redacted]';
/** Nothing that this program reads or makes is nested so deep. */
const DEPTH_MAX = 64;
/** Anything shorter is an ordinary word. */
const CREDENTIAL_MIN_CHARACTERS = 6;
/** Credentials of anyone; the second group is what is removed. */
const CREDENTIAL_PATTERNS: readonly RegExp[] = [
  /(\bbearer\s+)([\w~+/.=-]+)/giu,
  /(\b(?:x-api-key|authorization|api[_-]?key)\\{0,4}["']?\s{0,16}[:=]\s{0,16}\\{0,4}["']?)(?!bearer\b)([^\s"'\\,;&]+)/giu,
  // In the user-info part of a URL.
  /(:\/\/)([^\s/?#"']+)@/gu,
];

/**
 * Removes these secrets in every encoding, and what looks like a credential of anyone.
 * @param patterns of credentials
 */
export function createRedactor(secrets: readonly string[], patterns = CREDENTIAL_PATTERNS): Redact {
  const search = createSecretSearch(secrets);
  return (text, maxCharacters = text.length) => {
    const read = text.slice(0, maxCharacters + search.longest);
    const spans = [...search.spansIn(read), ...patterns.flatMap((pattern) => spansOf(pattern, read))];
    return withRedactions(read, spans, Math.min(maxCharacters, read.length));
  };
}

/** The secrets of a process, of which some turn up later, and the redactor that knows them all. */
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

/** Removes these secrets alone, so that a signed address can still be fetched. */
export const createSecretRemover = (secrets: readonly string[]): Redact => createRedactor(secrets, []);

export function createSecretFinder(secrets: readonly string[]): ContainsSecret {
  const search = createSecretSearch(secrets);
  return (text) => search.spansIn(text).length > 0;
}

function spansOf(pattern: RegExp, text: string): Span[] {
  return [...text.matchAll(pattern)].flatMap(({ index, 1: before = '', 2: secret = '' }) => {
    const start = index + before.length;
    const isUser = before === '://';
    return isUser || secret.length >= CREDENTIAL_MIN_CHARACTERS ? { start, end: start + secret.length } : [];
  });
}

/** The text up to `length`, without the spans, and without a span that reaches beyond `length`. */
function withRedactions(text: string, spans: Span[], length: number): string {
  let clean = '';
  let at = 0;
  for (const { start, end } of spans.sort((a, b) => a.start - b.start)) {
    if (start >= length) break;
    if (start >= at) clean += text.slice(at, start) + REDACTED;
    at = Math.max(at, end);
  }
  return clean + text.slice(at, Math.max(at, length));
}

/** Every text inside a value, however deep, the names of its fields included. */
export function redactValues<Value>(value: Value, redact: Redact, depth = 0): Value {
  if (typeof value === 'string') return redact(value) as Value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return '[nested too deep]' as Value;
  if (Array.isArray(value)) return value.map((entry: unknown) => redactValues(entry, redact, depth + 1)) as Value;
  const fields = Object.entries(value).map(([key, entry]) => [redact(key), redactValues(entry, redact, depth + 1)]);
  return Object.fromEntries(fields) as Value;
}
