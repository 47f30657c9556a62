/** The one redactor: removes the user's secrets, and what looks like one, from text that leaves the process. */

export type Redact = (text: string) => string;

const MARK = '[redacted]';
const CREDENTIAL_SHAPES: readonly [RegExp, string][] = [
  [/\b(bearer\s+)[\w~+/.=-]{6,}/giu, `$1${MARK}`],
  [/(["']?\b(?:x-api-key|authorization|api[_-]?key)\b["']?\s*[:=]\s*["']?)(?!bearer\b)[^\s"',;&]{6,}/giu, `$1${MARK}`],
  // Credentials in the user-info part of a URL.
  [/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@"']+@/giu, `$1${MARK}@`],
];

/** The forms in which a secret can turn up in a text: as it is, in a URL, in JSON, in Base64. */
function spellings(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64(secret)];
  // Under 6 characters a "secret" would blank out ordinary words.
  return [...new Set(forms)].filter((form) => form.length >= 6).sort((a, b) => b.length - a.length);
}

function base64(text: string): string {
  // The tail depends on what follows the secret in the encoded text: whole 3-byte groups alone are stable.
  const bytes = new TextEncoder().encode(text);
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
  return btoa(String.fromCharCode(...whole));
}

/** A redactor for these secrets; the longest spelling is removed first. */
export function createRedactor(secrets: readonly string[]): Redact {
  const literal = secrets.flatMap(spellings);
  return (text) => {
    let clean = text;
    for (const secret of literal) clean = clean.replaceAll(secret, MARK);
    for (const [shape, replacement] of CREDENTIAL_SHAPES) clean = clean.replace(shape, replacement);
    return clean;
  };
}
