/** Finds secrets in a text, in any encoding, in time proportional to the length of the text. */
import { isEscape, readingsAt } from './text-encodings.ts';

export type Span = { start: number; end: number };
export type SecretSearch = {
  /** Where they are: in order, none inside another. */
  spansIn(text: string): Span[];
  /** More characters than any secret takes in any encoding. */
  longest: number;
};

/** Under 6 characters a "secret" would blank out ordinary words. */
const SECRET_MIN_CHARACTERS = 6;
/** What one character takes at most, be it encoded three times: `%25%32%35`. */
const ENCODED_MAX_CHARACTERS = 32;
const ASCII = 128;

export function createSecretSearch(secrets: readonly string[]): SecretSearch {
  const needles = [...new Set(secrets.flatMap(needlesOf))].filter((one) => one.length >= SECRET_MIN_CHARACTERS);
  const byFirst = new Map<string, string[]>();
  // Nearly everywhere in a text the first two characters show that no secret begins there.
  const pairs = new Uint8Array(ASCII * ASCII);
  for (const needle of needles) {
    const [first = '', second = ''] = [needle.charAt(0), needle.charAt(1)];
    byFirst.set(first, [...(byFirst.get(first) ?? []), needle]);
    for (const one of [first, first.toUpperCase()]) {
      for (const other of [second, second.toUpperCase()]) pairs[pairOf(one.charCodeAt(0), other.charCodeAt(0))] = 1;
    }
  }

  function endAt(text: string, at: number): number | undefined {
    const unit = text.charCodeAt(at);
    const firsts = isEscape(unit) ? readingsAt(text, at).map(({ units }) => units) : [text.charAt(at)];
    const ends = firsts.flatMap((units) =>
      (byFirst.get(units.charAt(0).toLowerCase()) ?? []).map((needle) => endOf(needle, text, at)),
    );
    const end = Math.max(-1, ...ends);
    return end < 0 ? undefined : end;
  }

  return {
    longest: ENCODED_MAX_CHARACTERS * Math.max(0, ...needles.map(({ length }) => length)),
    spansIn(text) {
      const spans: Span[] = [];
      if (needles.length === 0) return spans;
      for (let at = 0; at < text.length; at += 1) {
        const unit = text.charCodeAt(at);
        const next = text.charCodeAt(at + 1);
        const isPlain = unit < ASCII && next < ASCII && !isEscape(unit) && !isEscape(next);
        if (isPlain && pairs[pairOf(unit, next)] === 0) continue;
        const end = endAt(text, at);
        if (end === undefined) continue;
        spans.push({ start: at, end });
        at = end - 1;
      }
      return spans;
    },
  };
}

function pairOf(unit: number, next: number): number {
  return unit * ASCII + next;
}

/** @returns where it ends when it begins at `start`, else -1; upper and lower case are the same */
function endOf(needle: string, text: string, start: number): number {
  // Nearly always the text is not escaped, and differs in one of the first characters.
  let same = 0;
  while (same < needle.length && isSameUnit(text, start + same, needle, same)) same += 1;
  const last = same === needle.length ? start + same - 1 : start + same;
  // A character that matches may also begin an escape, which is longer.
  for (let at = start; at <= last; at += 1) {
    if (isEscape(text.charCodeAt(at))) return escapedEndOf(needle, text, start);
  }
  return same === needle.length ? start + same : -1;
}

/** Follows every reading of the text, and each pair of positions in needle and text once. */
function escapedEndOf(needle: string, text: string, start: number): number {
  let end = -1;
  const seen = new Set<number>();
  const open: [matched: number, at: number][] = [[0, start]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [matched, at] = next;
    if (matched === needle.length) end = Math.max(end, at);
    const position = matched * (text.length + 1) + at;
    if (matched === needle.length || at >= text.length || seen.has(position)) continue;
    seen.add(position);
    for (const { units, end: behind } of readingsAt(text, at)) {
      if (needle.startsWith(units.toLowerCase(), matched)) open.push([matched + units.length, behind]);
    }
  }
  return end;
}

function isSameUnit(text: string, at: number, needle: string, index: number): boolean {
  return text.charCodeAt(at) === needle.charCodeAt(index) || text.charAt(at).toLowerCase() === needle.charAt(index);
}

/** What is searched for, in lower case: the secret, and its bytes in Base64 and in hexadecimal digits. */
function needlesOf(secret: string): string[] {
  if (secret.length < SECRET_MIN_CHARACTERS) return [];
  const bytes = new TextEncoder().encode(secret);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const inBase64 = [secret, encodedForUrl(secret), JSON.stringify(secret).slice(1, -1)].flatMap(base64Forms);
  return [secret, hex, ...inBase64].map((needle) => needle.toLowerCase());
}

function encodedForUrl(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\uFFFD'));
}

/** The Base64 that does not depend on the bytes around the text, for each offset in a group of three bytes. */
function base64Forms(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  return [0, 1, 2].flatMap((before) => {
    const all = btoa(String.fromCharCode(...new Uint8Array(before), ...bytes));
    const form = all.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
