/** Reads JSON without loss: a number that JavaScript cannot hold arrives as text, with every digit it had. */

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/u;
const NUMBER_STARTS = new Set('-0123456789');
const NUMBER_GOES_ON = new Set('0123456789.eE+-');
/** Whole numbers with more digits stay as they were written. */
const DIGITS_MAX = 200;

/** @throws SyntaxError for what is not JSON */
export function parseJsonLosslessly(text: string): unknown {
  // First as it is: what is not JSON needs no search, and nearly every answer no second pass.
  const value: unknown = JSON.parse(text);
  const exact = withExactNumbers(text);
  return exact === text ? value : JSON.parse(exact);
}

/** A loop and no pattern: one that skips strings can be made slow by a text that is not JSON. */
function withExactNumbers(text: string): string {
  let exact = '';
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (character === '"') {
      at = endOfString(text, at);
      continue;
    }
    let end = at + 1;
    if (NUMBER_STARTS.has(character)) {
      while (NUMBER_GOES_ON.has(text.charAt(end))) end += 1;
      const token = text.slice(at, end);
      if (!isRepresented(token)) {
        exact += `${text.slice(copied, at)}"${written(token)}"`;
        copied = end;
      }
    }
    at = end;
  }
  return copied === 0 ? text : exact + text.slice(copied);
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
  return at + 1;
}

function isRepresented(token: string): boolean {
  const value = Number(token);
  if (Number.isInteger(value)) return Number.isSafeInteger(value) && sameNumber(token, value);
  return Number.isFinite(value) && sameNumber(token, value);
}

function sameNumber(token: string, value: number): boolean {
  const [given, represented] = [decimal(token), decimal(String(value))];
  return given !== undefined && given.digits === represented?.digits && given.exponent === represented.exponent;
}

type Decimal = { sign: string; digits: string; exponent: number };

/** The digits without zeros at either end, and the power of ten of the last one. */
function decimal(token: string): Decimal | undefined {
  const [match, sign = '', whole = '', fraction = '', power = '0'] = NUMBER.exec(token) ?? [];
  if (match === undefined) return undefined;
  const digits = (whole + fraction).replace(/^0+/u, '');
  const shorter = withoutEndZeros(digits);
  if (shorter === '') return { sign, digits: '', exponent: 0 };
  return { sign, digits: shorter, exponent: Number(power) - fraction.length + digits.length - shorter.length };
}

/** A loop: a pattern that looks for zeros before the end takes quadratic time. */
function withoutEndZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

/** A whole number by its digits alone, whatever form it was sent in; anything else as it was sent. */
function written(token: string): string {
  const { sign, digits, exponent } = decimal(token) ?? { sign: '', digits: '', exponent: -1 };
  const isWhole = digits !== '' && exponent >= 0 && digits.length + exponent <= DIGITS_MAX;
  return isWhole ? sign + digits + '0'.repeat(exponent) : token;
}
