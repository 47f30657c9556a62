/** Reads JSON without loss: a number that JavaScript cannot hold arrives as text, with every digit it had. */

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/u;
const NUMBER_STARTS = '-0123456789';
const NUMBER_GOES_ON = '0123456789.eE+-';
/** Whole numbers with more digits stay as they were written. */
const DIGITS_MAX = 200;

/** @throws SyntaxError for what is not JSON */
export function parseJsonLosslessly(text: string): unknown {
  // First as it is: what is not JSON needs no search, and nearly every answer no second pass.
  const value: unknown = JSON.parse(text);
  const exact = withExactNumbers(text);
  return exact === text ? value : JSON.parse(exact);
}

/** A loop and no pattern, which a string of many megabytes would be too much for. */
function withExactNumbers(text: string): string {
  let exact = '';
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const start = at;
    const character = text.charAt(at);
    at += 1;
    if (character === '"') {
      while (text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
      at += 1;
    } else if (NUMBER_STARTS.includes(character)) {
      while (at < text.length && NUMBER_GOES_ON.includes(text.charAt(at))) at += 1;
      const token = text.slice(start, at);
      if (isRepresented(token)) continue;
      exact += `${text.slice(copied, start)}"${written(token)}"`;
      copied = at;
    }
  }
  return exact + text.slice(copied);
}

function isRepresented(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return false;
  const [given, represented] = [decimal(token), decimal(String(value))];
  return given.digits === represented.digits && given.exponent === represented.exponent;
}

/** The digits without zeros at either end, and the power of ten of the last one. */
function decimal(token: string): { sign: string; digits: string; exponent: number } {
  const [, sign = '', whole = '', fraction = '', power = '0'] = NUMBER.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/u, '');
  // A loop: a pattern that looks for zeros before the end takes quadratic time.
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  if (end === 0) return { sign, digits: '', exponent: 0 };
  return { sign, digits: digits.slice(0, end), exponent: Number(power) - fraction.length + digits.length - end };
}

/** A whole number by its digits alone, whatever form it was sent in; anything else as it was sent. */
function written(token: string): string {
  const { sign, digits, exponent } = decimal(token);
  const isWhole = digits !== '' && exponent >= 0 && digits.length + exponent <= DIGITS_MAX;
  return isWhole ? sign + digits + '0'.repeat(exponent) : token;
}
