/** The one redactor: removes the user's secrets, and what looks like one, from text that leaves the process. */

/**
 * @param maxCharacters how much of the text is wanted, by default all of it. The rest is cut off before any pattern
 * runs, except for what is needed to recognise a secret that begins before the cut.
 */
export type Redact = (text: string, maxCharacters?: number) => string;
/** Whether a text contains one of the user's secrets, in any encoding. */
export type ContainsSecret = (text: string) => boolean;

export const REDACTED = '[redacted]';
/** Anything shorter is an ordinary word. */
const SECRET_MIN_CHARACTERS = 6;
/** Credentials of anyone; the second group is what is removed. A shorter one is an ordinary word, too. */
const CREDENTIAL_PATTERNS: readonly RegExp[] = [
  /(\bbearer\s+)([\w~+/.=-]{6,})/giu,
  /(\b(?:x-api-key|authorization|api[_-]?key)\\{0,4}["']?\s{0,16}[:=]\s{0,16}\\{0,4}["']?)(?!bearer\b)([^\s"'\\,;&]{6,})/giu,
  // In the user-info part of a URL.
  /(:\/\/)([^\s/?#"']+)@/gu,
];

/**
 * Removes these secrets in every encoding, and what looks like a credential of anyone.
 * @param patterns of credentials; none where a signed address has to remain usable
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
  #redact: Redact;

  constructor(private readonly secrets: string[]) {
    this.#redact = createRedactor(secrets);
  }

  add(secret: string): void {
    this.secrets.push(secret);
    this.#redact = createRedactor(this.secrets);
  }

  readonly redact: Redact = (text, maxCharacters) => this.#redact(text, maxCharacters);
}

export function createSecretFinder(secrets: readonly string[]): ContainsSecret {
  const search = createSecretSearch(secrets);
  return (text) => search.spansIn(text).length > 0;
}

function spansOf(pattern: RegExp, text: string): Span[] {
  return [...text.matchAll(pattern)].map(({ index, 1: before = '', 2: secret = '' }) => {
    const start = index + before.length;
    return { start, end: start + secret.length };
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
  // Nothing that this program reads or makes is nested so deep.
  if (depth === 64) return '[nested too deep]' as Value;
  if (Array.isArray(value)) return value.map((entry: unknown) => redactValues(entry, redact, depth + 1)) as Value;
  const fields = Object.entries(value).map(([key, entry]) => [redact(key), redactValues(entry, redact, depth + 1)]);
  return Object.fromEntries(fields) as Value;
}

type Span = { start: number; end: number };

/** What one character takes at most, be it encoded three times: `%25%32%35`. */
const ENCODED_MAX_CHARACTERS = 32;
/** How often a text may have been encoded. */
const NESTED_MAX = 4;

function createSecretSearch(secrets: readonly string[]) {
  const encoded = new Set(secrets.flatMap(needlesOf).map(inLowerCase));
  const needles = [...encoded].filter(({ length }) => length >= SECRET_MIN_CHARACTERS);
  return {
    /** More characters than any secret takes in any encoding. */
    longest: ENCODED_MAX_CHARACTERS * Math.max(0, ...needles.map(({ length }) => length)),
    /** Where they are, in any order; they may overlap. */
    spansIn(text: string): Span[] {
      const spans: Span[] = [];
      // Decoded, a text is no longer than before.
      if (needles.every(({ length }) => length > text.length)) return spans;
      for (const { text: inner, startOf } of layersOf(asItStands(text)).flatMap(withAndWithoutInvisible)) {
        const searched = inLowerCase(inner);
        for (const needle of needles)
          for (let at = searched.indexOf(needle); at >= 0; at = searched.indexOf(needle, at + needle.length))
            spans.push({ start: startOf(at), end: startOf(at + needle.length) });
      }
      return spans;
    },
  };
}

/** As many units as before, and one form of each letter. */
const inLowerCase = (text: string): string => text.replaceAll('İ', 'I').toLowerCase().replaceAll('ς', 'σ');

/** `startOf`: where a unit of it begins in the text that was given; of its length: where the last one ends. */
type Layer = { text: string; startOf: (at: number) => number };

const asItStands = (text: string): Layer => ({ text, startOf: (at) => at });

/** With all escapes, without one layer of them, without two … for as long as something changes. */
function layersOf(layer: Layer, depth = NESTED_MAX): Layer[] {
  const inner = depth === 0 ? undefined : rewritten(layer, ESCAPE, decodedCharacters);
  return inner === undefined ? [layer] : [layer, ...layersOf(inner, depth - 1)];
}

/** Characters that nobody sees may stand between any two others; a secret itself may hold escapes of some. */
function withAndWithoutInvisible(layer: Layer): Layer[] {
  const visible = rewritten(layer, INVISIBLE, () => []);
  return visible === undefined ? [layer] : [layer, visible];
}

const INVISIBLE = /[\p{Cc}\p{Cf}]+/gu;
/** Bytes in a URL; escapes of JSON; entities of HTML; full-width forms. */
const ESCAPE =
  /(?<bytes>(?:%[\da-f]{2})+)|\\(?:u(?<u>[\da-f]{4})|x(?<x>[\da-f]{2})|(?<escaped>["'/\\bfnrt]))|&(?:#(?<decimal>\d{1,9})|#x(?<hex>[\da-f]{1,8})|(?<name>[a-z]{2,8}));?|(?<wide>[\uff01-\uff5e])/giu;
const CONTROLS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
/** HTML's names of the visible ASCII characters that are neither letters nor digits, each with its character behind it. */
const ENTITIES = new Map(
  `amp& apos' ast* bsol\\ colon: comma, commat@ dollar$ equals= excl! grave\` gt> hat^ lbrace{ lbrack[ lcub{ lowbar_ lpar(
   lsqb[ lt< midast* num# percnt% period. plus+ quest? quot" rbrace} rbrack] rcub} rpar) rsqb] semi; sol/ verbar| vert|`
    .split(/\s+/u)
    .map((entry) => [entry.slice(0, -1), entry.slice(-1)]),
);

type Character = readonly [units: string, offset: number];

/** Replaces what fits the pattern by characters, each with where it began; `undefined` where nothing fits. */
function rewritten(
  { text, startOf }: Layer,
  pattern: RegExp,
  charactersFor: (match: RegExpExecArray) => readonly Character[],
): Layer | undefined {
  let inner = '';
  const innerStarts: number[] = [];
  const copy = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) innerStarts.push(startOf(at));
    inner += text.slice(from, to);
  };
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    copy(at, match.index);
    at = match.index + match[0].length;
    for (const [units, offset] of charactersFor(match)) {
      for (let index = 0; index < units.length; index += 1) innerStarts.push(startOf(match.index + offset));
      inner += units;
    }
  }
  if (at === 0) return undefined;
  copy(at, text.length);
  innerStarts.push(startOf(text.length));
  return { text: inner, startOf: (at) => innerStarts[at] ?? 0 };
}

function decodedCharacters({ 0: encoded, groups = {} }: RegExpExecArray): readonly Character[] {
  return groups.bytes === undefined ? [[unitsOf(encoded, groups), 0]] : charactersOf(groups.bytes);
}

function unitsOf(encoded: string, { u, x, escaped, decimal, hex, name, wide }: Record<string, string | undefined>) {
  if (escaped !== undefined) return CONTROLS[escaped.toLowerCase()] ?? escaped;
  if (wide !== undefined) return wide.normalize('NFKC');
  if (name !== undefined) return ENTITIES.get(name.toLowerCase()) ?? encoded;
  const code = decimal === undefined ? Number.parseInt(u ?? x ?? hex ?? '', 16) : Number(decimal);
  return code <= 0x10ffff ? String.fromCodePoint(code) : encoded;
}

/** The characters of `%C3%BC…`, each with where its bytes begin. */
function charactersOf(escapes: string): Character[] {
  const bytes = Buffer.from(escapes.replaceAll('%', ''), 'hex');
  const text = bytes.toString('utf8');
  // What is no UTF-8 is taken byte by byte.
  const characters = text.includes('\uFFFD') ? [...bytes].map((byte) => String.fromCharCode(byte)) : [...text];
  let offset = 0;
  return characters.map((units) => {
    const start = offset;
    offset += 3 * (characters.length === bytes.length ? 1 : Buffer.byteLength(units));
    return [units, start];
  });
}

/** What is searched for: the secret and what it becomes when it is decoded itself, Base64, and hexadecimal digits. */
function needlesOf(secret: string): string[] {
  if (secret.length < SECRET_MIN_CHARACTERS) return [];
  const inUrl = encodeURIComponent(secret.replace(/\p{Cs}/gu, '\uFFFD'));
  const inBase64 = [secret, inUrl, JSON.stringify(secret).slice(1, -1)].flatMap(base64Forms);
  const layers = layersOf(asItStands(secret)).map(({ text }) => text);
  return [...layers, secret.replaceAll(' ', '+'), Buffer.from(secret).toString('hex'), ...inBase64];
}

/** The Base64 that does not depend on the bytes around the text, for each offset in a group of three bytes. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const form = all.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
