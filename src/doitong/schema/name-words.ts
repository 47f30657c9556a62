/** Reads names of schemas that nobody here designed: splits them into words, and knows which words speak of what. */
import { BoundedMap } from '../../core/bounded-map.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/u));

export const ID_WORDS = words('id uuid guid uid ulid identifier');
export const STATUS_WORDS = words('status state phase stage');
/** Words for the thing that was ordered and is waited for. */
export const JOB_WORDS = words('job generation task prediction inference creation render rendering');
/** These are used for many other things as well. */
export const VAGUE_JOB_WORDS = words('request run operation process execution result output');
export const IMAGE_WORDS = words('image img picture photo artwork illustration');
const URL_WORDS = words('url uri src href link');
/** Names under which a service hangs what a job has made. */
const OUTPUT_WORDS = words(`${[...IMAGE_WORDS].join(' ')}
  output result sample file media asset artifact generated final download data response payload content`);
/** Where a string can be base64, prose or JSON rather than an address. */
const LOOSE_OUTPUT_WORDS = words('data response payload content');
/** What may stand before `url` and speaks of no output by itself. */
const URL_ATTRIBUTES = words('public signed presigned cdn hosted direct full secure original storage permanent');
/** What makes it the address of something else, also next to a word for an output. */
const OTHER_URL_WORDS = words(`
  input source thumbnail thumb preview placeholder blurred small low webhook callback reference mask avatar profile
  logo icon cover banner upload status poll polling cancel page share edit delete user init style control`);
const LIST_WORDS = words('edge node item entry record row list collection');
/** Arguments that hold the conditions of a search or the parts of an input. */
export const CONTEXT_WORDS = words(
  'where filter input by arg argument param parameter data query option criteria condition selector lookup',
);
export const KEY_WORDS = words('key ref reference handle');
/** Whoever has something. */
const OWNER_WORDS = words(`
  user account member team organization organisation org customer client person profile author owner viewer tenant
  project workspace`);
/** What an id can belong to, and what a status and a url can be of, when it is not a picture. */
export const OTHER_WORDS = words(`${[...OWNER_WORDS].join(' ')}
  invoice bill billing payment charge receipt refund transaction subscription plan order cart product purchase coupon
  wallet balance card webhook hook callback delivery event log audit notification comment post article blog domain app
  application site folder session token apikey secret email mail sms print printer shipment shipping export import
  backup report ticket support issue pull deployment deploy build release repository server training finetune dataset
  model upload transcode transcription video audio speech voice music chat conversation thread crawl sync migration
  certificate license document feedback review pdf csv spreadsheet statement newsletter`);
/** What is made is a picture more often than a to-do. */
const MADE_WORDS = words('job generation prediction inference creation render rendering');
/** What can follow the word that says what a thing is. */
const TRAILING_WORDS = words('by pk id detail info record item entry');
/** What a required `ID` can also be called when it leads elsewhere. */
export const OTHER_ARGUMENT_WORDS = words(`
  slug name title prompt cursor first last after before limit offset skip take page size text search term type kind
  locale lang language code path version provider service date from to since until sort parent external idempotency`);
const OTHER_VOCABULARY = words(`
  get check fetch find read poll view by for the my one current of generate create error reason failure message
  credit cost used unique public remote pk detail info`);

const VOCABULARY: ReadonlySet<string> = new Set(
  [
    ID_WORDS,
    STATUS_WORDS,
    JOB_WORDS,
    VAGUE_JOB_WORDS,
    URL_WORDS,
    OUTPUT_WORDS,
    URL_ATTRIBUTES,
    OTHER_URL_WORDS,
    LIST_WORDS,
    CONTEXT_WORDS,
    KEY_WORDS,
    OTHER_WORDS,
    OTHER_ARGUMENT_WORDS,
    OTHER_VOCABULARY,
  ].flatMap((set) => [...set]),
);
const NAME_MAX_CHARACTERS = 120;
const RUN_TOGETHER_MAX = { characters: 40, words: 4 };

/** The same few names are split again and again. */
const CACHED_MAX = 5_000;
const cached = new BoundedMap<string, readonly string[]>(CACHED_MAX);

/** `jobIDs`, `job_ids` and `jobids` are all `['job', 'id']`: lower case, singular, without digits, split everywhere. */
export function wordsOf(name: string): readonly string[] {
  // No schema has such a name; a key in an answer's JSON may.
  if (name.length > NAME_MAX_CHARACTERS) return [];
  const known = cached.get(name);
  if (known !== undefined) return known;
  const found = splitName(name);
  cached.set(name, found);
  return found;
}

function splitName(name: string): string[] {
  return name
    .replace(/(?<=\p{Lu}{2})s(?!\p{Ll})/gu, '')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[^A-Za-z]+/u)
    .filter((part) => part !== '')
    .flatMap((part) => {
      const token = part.toLowerCase();
      return split(token, RUN_TOGETHER_MAX.words) ?? [singular(token)];
    });
}

/** Into known words only, the longest first. Bounded, because there can be many ways to fail. */
function split(token: string, wordsLeft: number): string[] | undefined {
  if (token === '') return [];
  if (wordsLeft === 0 || token.length > RUN_TOGETHER_MAX.characters) return undefined;
  for (let end = token.length; end > 1; end -= 1) {
    const head = token.slice(0, end);
    const word = [head, singular(head), head.replace(/s$/u, '')].find((form) => VOCABULARY.has(form));
    if (word === undefined) continue;
    const rest = split(token.slice(end), wordsLeft - 1);
    if (rest !== undefined) return [word, ...rest];
  }
  return undefined;
}

function singular(word: string): string {
  if (/(?:ss|us)es$/u.test(word)) return word.slice(0, -2);
  if (/[^aeiou]ies$/u.test(word)) return `${word.slice(0, -3)}y`;
  return /[^sui]s$/u.test(word) ? word.slice(0, -1) : word;
}

/** The last word says what a thing is, the words before it what it belongs to. */
export function endsIn(last: ReadonlySet<string>, name: readonly string[], ...before: ReadonlySet<string>[]): boolean {
  const end = name.at(-1);
  return end !== undefined && last.has(end) && within(name.slice(0, -1), ...before);
}

export function within(name: readonly string[], ...sets: ReadonlySet<string>[]): boolean {
  return name.every((word) => sets.some((set) => set.has(word)));
}

export function anyOf(name: readonly string[], ...sets: ReadonlySet<string>[]): boolean {
  return name.some((word) => sets.some((set) => set.has(word)));
}

/** `url`, `imageUrl`, `outputSvgUrls`, but not `thumbnailUrl`, `webhookUrl` or `inputImageUrl`. */
export function isUrlName(name: readonly string[]): boolean {
  if (endsIn(URL_WORDS, name, OUTPUT_WORDS, URL_ATTRIBUTES)) return true;
  return URL_WORDS.has(name.at(-1) ?? '') && anyOf(name, OUTPUT_WORDS) && !anyOf(name, OTHER_URL_WORDS, OTHER_WORDS);
}

/** `userGeneration` is a generation that a user has; `generationOwner` and `userStatus` are something else. */
export function isOwned(name: readonly string[]): boolean {
  const head = name.findLast((word) => !TRAILING_WORDS.has(word));
  const others = name.filter((word) => OTHER_WORDS.has(word));
  return head !== undefined && MADE_WORDS.has(head) && within(others, OWNER_WORDS);
}

/** A field that can hold what was made, as an object or as the address itself. */
export function isOutputName(name: readonly string[]): boolean {
  return name.length > 0 && within(name, OUTPUT_WORDS);
}

export function isLooseOutputName(name: readonly string[]): boolean {
  return endsIn(LOOSE_OUTPUT_WORDS, name, OUTPUT_WORDS);
}

/** A level of a list: `items`, `edges`, `node`. */
export function isListName(name: readonly string[]): boolean {
  return name.length > 0 && within(name, LIST_WORDS);
}

/** A field that can lead from an answer's outer object to the job itself. */
export function isWrapperName(name: readonly string[]): boolean {
  return name.length > 0 && within(name, LIST_WORDS, OUTPUT_WORDS, JOB_WORDS, VAGUE_JOB_WORDS, STATUS_WORDS);
}
