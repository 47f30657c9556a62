/** Reads one character of a text in every encoding that programs use: plain, in URLs, JSON and HTML, also nested. */

/** `units`: one or two UTF-16 units; `end`: where the next character begins. */
export type Reading = { units: string; end: number };

/** Nobody nests encodings more often; it bounds the work at each position. */
const READINGS_MAX = 10;
const ENTITY_MAX_CHARACTERS = 12;
const HEX = /^[\da-f]$/iu;
/** Full-width forms of the visible ASCII characters, so far away from them. */
const FULL_WIDTH = { first: 0xff01, last: 0xff5e, distance: 0xfee0 };
/** Invisible characters may stand between any two others. */
const INVISIBLE = /^[\p{Cc}\p{Cf}]$/u;
/** How often a text may have been encoded for a URL. */
const NESTED_MAX = 4;

const JSON_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
/** HTML's names of the visible ASCII characters that are neither letters nor digits, each with its character behind it. */
const ENTITIES = new Map(
  `amp& apos' ast* bsol\\ colon: comma, commat@ dollar$ equals= excl! grave\` gt> hat^ lbrace{ lbrack[ lcub{ lowbar_ lpar(
   lsqb[ lt< midast* num# percnt% period. plus+ quest? quot" rbrace} rbrack] rcub} rpar) rsqb] semi; sol/ verbar| vert|`
    .split(/\s+/u)
    .map((entry) => [entry.slice(0, -1), entry.slice(-1)]),
);

/** Whether a character may stand for another one. */
export function isEscape(unit: number): boolean {
  return unit === 0x25 || unit === 0x5c || unit === 0x26 || unit === 0x2b || isFullWidth(unit) || isInvisible(unit);
}

function isFullWidth(unit: number): boolean {
  return unit >= FULL_WIDTH.first && unit <= FULL_WIDTH.last;
}

/** Visible ASCII is most of every text, and needs no pattern. */
function isInvisible(unit: number): boolean {
  return (unit < 0x20 || unit > 0x7e) && INVISIBLE.test(String.fromCharCode(unit));
}

/** The character as it stands there comes first. */
export function readingsAt(text: string, at: number): Reading[] {
  const readings: Reading[] = [{ units: text.charAt(at), end: at + 1 }];
  // An escape may stand for the beginning of another one.
  for (let index = 0; index < readings.length && readings.length < READINGS_MAX; index += 1) {
    const found = readings[index];
    const inner = found === undefined ? undefined : escaped(text, found);
    if (inner !== undefined) readings.push(inner);
  }
  return readings;
}

function escaped(text: string, { units, end }: Reading): Reading | undefined {
  if (units === '%') return percentEncoded(text, end);
  if (units === '\\') return jsonEscaped(text, end);
  if (units === '&') return entity(text, end);
  if (units === '+') return { units: ' ', end };
  // Full-width forms and invisible characters.
  const unit = units.charCodeAt(0);
  if (units.length !== 1) return undefined;
  if (isFullWidth(unit)) return { units: String.fromCharCode(unit - FULL_WIDTH.distance), end };
  return isInvisible(unit) ? { units: '', end } : undefined;
}

/** @param end behind the percent sign */
function percentEncoded(text: string, end: number): Reading | undefined {
  const first = codeAt(text, end, 2);
  if (first === undefined) return undefined;
  if (first.code < 0x80) return { units: String.fromCharCode(first.code), end: first.end };
  const more = first.code >= 0xf0 ? 3 : first.code >= 0xe0 ? 2 : 1;
  const bytes = [first.code];
  let at = first.end;
  for (let index = 0; index < more; index += 1) {
    const next = plainAt(text, at);
    if (next.end === at + 1 || next.units.charCodeAt(0) > 0xff) return undefined;
    bytes.push(next.units.charCodeAt(0));
    at = next.end;
  }
  return { units: new TextDecoder().decode(Uint8Array.from(bytes)), end: at };
}

/** A number of so many hexadecimal digits, which may be encoded for a URL themselves. */
function codeAt(
  text: string,
  at: number,
  digits: number,
  depth = NESTED_MAX,
): { code: number; end: number } | undefined {
  let hex = '';
  let end = at;
  for (let index = 0; index < digits; index += 1) {
    const digit = plainAt(text, end, depth);
    if (!HEX.test(digit.units)) return undefined;
    hex += digit.units;
    end = digit.end;
  }
  return { code: Number.parseInt(hex, 16), end };
}

/** The character there, out of its encodings for a URL. */
function plainAt(text: string, at: number, depth = NESTED_MAX): Reading {
  let found: Reading = { units: text.charAt(at), end: at + 1 };
  for (let left = depth; left > 0 && found.units === '%'; left -= 1) {
    const inner = codeAt(text, found.end, 2, left - 1);
    if (inner === undefined) break;
    found = { units: String.fromCharCode(inner.code), end: inner.end };
  }
  return found;
}

/** @param end behind the backslash */
function jsonEscaped(text: string, end: number): Reading | undefined {
  const kind = plainAt(text, end);
  if (kind.units === 'u' || kind.units === 'x') {
    const code = codeAt(text, kind.end, kind.units === 'u' ? 4 : 2);
    return code === undefined ? undefined : { units: String.fromCharCode(code.code), end: code.end };
  }
  if (['"', "'", '\\', '/', '%', '&'].includes(kind.units)) return { ...kind };
  const control = JSON_ESCAPES[kind.units];
  return control === undefined ? undefined : { units: control, end: kind.end };
}

/** @param end behind the ampersand */
function entity(text: string, end: number): Reading | undefined {
  let body = '';
  let at = end;
  for (let index = 0; index < ENTITY_MAX_CHARACTERS; index += 1) {
    const next = plainAt(text, at);
    if (!/^[\da-z#]$/iu.test(next.units)) {
      const units = entityUnits(body.toLowerCase());
      return units === undefined ? undefined : { units, end: next.units === ';' ? next.end : at };
    }
    body += next.units;
    at = next.end;
  }
  return undefined;
}

function entityUnits(body: string): string | undefined {
  if (!body.startsWith('#')) return ENTITIES.get(body);
  const digits = body.startsWith('#x') ? body.slice(2) : body.slice(1);
  const code = Number.parseInt(digits, body.startsWith('#x') ? 16 : 10);
  return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
