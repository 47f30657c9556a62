/** Measures that searching a text for secrets takes time in proportion to the text, whatever stands in it. */
import { createRedactor } from '../src/core/redaction.ts';
import { cleanLine } from '../src/core/untrusted-text.ts';
import { loadBefore, machine, markdownTable, median, milliseconds, recordIfAsked } from './figures.ts';

const SHORT_CHARACTERS = 100_000;
const TIMES = 10;
const RUNS = 9;
/** What a service error is shown of. */
const SHOWN_CHARACTERS = 300;

const KEY = 'dt_live+7/Qx"=Z&9 a\\b';
const TEXTS: readonly [string, string][] = [
  ['ordinary words', 'the quick brown fox jumps over the lazy dog '],
  ['words of one letter, joined by dots', 'a.'],
  ['nearly the secret', `${KEY.slice(0, -1)}!`],
  ['percent signs, each of which may begin an escape', '%25'],
  ['backslashes', '\\'],
  ['entities of HTML', '&amp;'],
  ['addresses without an end', 'https://a'],
  ['"bearer", again and again', 'bearer '],
  ['the secret itself, again and again', `${KEY} `],
];

const redact = createRedactor([KEY, 'a-webhook-secret']);

function timeOf(work: () => void): number {
  const times = Array.from({ length: RUNS }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  return median(times);
}

const load = loadBefore();
const rows = TEXTS.map(([name, piece]) => {
  const long = piece.repeat(Math.ceil((TIMES * SHORT_CHARACTERS) / piece.length));
  const short = long.slice(0, SHORT_CHARACTERS);
  redact(short);
  const [once, tenfold] = [timeOf(() => redact(short)), timeOf(() => redact(long))];
  const shown = timeOf(() => cleanLine(redact(long, 4 * SHOWN_CHARACTERS), SHOWN_CHARACTERS));
  return [name, milliseconds(once), milliseconds(tenfold), (tenfold / once).toFixed(1), milliseconds(shown)];
});

const content = [
  `Machine: ${machine()}; ${load}.`,
  '',
  `A redactor with two secrets, median of ${RUNS}: a text of ${SHORT_CHARACTERS.toLocaleString('en-US')} characters, one ten times as long, and the first ${SHOWN_CHARACTERS} characters of the long one, as they are shown of an error.`,
  '',
  markdownTable(['text', 'short', 'ten times as long', 'ratio', 'shown of it'], rows),
].join('\n');
console.log(content);
recordIfAsked('redaction', content);
