/** Finds the address of a picture in fields that no schema describes, by the names of the fields around it. */
import { IMAGE_WORDS, isOutputName, isUrlName, within, wordsOf } from './name-words.ts';

type Json = Record<string, unknown>;

const VISITS_MAX = 200;
const MEMBERS_MAX = 200;
const ENTRIES_MAX = 10_000;

/**
 * The nearest address under a name that fits, through lists and objects.
 * @param mayBeginWith whether a field of the outermost object may lead to it
 */
export function addressInJson(
  json: Json,
  mayBeginWith: (words: readonly string[]) => boolean = () => true,
): string | undefined {
  const queue: Json[] = [json];
  for (let visits = 0; visits < VISITS_MAX; visits += 1) {
    const record = queue.shift();
    if (record === undefined) return undefined;
    const members = Object.entries(record)
      .slice(0, MEMBERS_MAX)
      .map(([name, value]) => ({ words: wordsOf(name), values: entries([value]) }))
      .filter(({ words }) => visits > 0 || mayBeginWith(words));
    for (const fits of [isUrlName, isOutputName, isBase64Name]) {
      for (const { words, values } of members.filter((member) => fits(member.words))) {
        const url = values
          .map((value) => addressOf(value, isUrlName(words)) ?? (isUrlName(words) ? addressInside(value) : undefined))
          .find((found) => found !== undefined);
        if (url !== undefined) return url;
        queue.push(...values.filter(isRecord).slice(0, VISITS_MAX));
      }
    }
  }
  return undefined;
}

const PLAIN_VALUE_NAMES = ['value', 'raw', 'full', 'original', 'large', 'default', 'main', 'regular', 'http', 'https'];

/** Under a name that holds an address: an object with the address by itself, `{ value }` or sizes to choose from. */
function addressInside(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const name = PLAIN_VALUE_NAMES.find((one) => typeof value[one] === 'string' && value[one].trim() !== '');
  return name === undefined ? undefined : addressOf(value[name], true);
}

/** `b64_json`, `imageBase64`. */
const isBase64Name = (words: readonly string[]): boolean =>
  ['b', 'base'].some((word) => words.includes(word)) &&
  within(words, new Set(['b', 'base', 'json', 'data', 'string', 'encoded', ...IMAGE_WORDS]));

/** What a field is called says that it holds an address; elsewhere the value has to look like one. */
export function addressOf(value: unknown, isNamed: boolean): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (text === '') return undefined;
  return isNamed || isLikeAddress(text) ? text : undefined;
}

/** Absolute, or relative to the host; Base64 text of a JPEG begins with a slash, too. */
function isLikeAddress(text: string): boolean {
  if (/^data:image\//iu.test(text.slice(0, 11)) || isPictureInBase64(text)) return true;
  return /^(?:https?:\/\/|\/(?!9j\/))\S+$/iu.test(text);
}

/** How a JPEG, PNG, WebP or GIF begins in Base64. */
const BASE64_SIGNATURE = /^(?:\/9j\/|iVBORw0KGgo|UklGR|R0lGOD)[\w+/-]*$/u;
/** No address is looked at further, and no picture is shorter. */
const SIGNATURE_CHARACTERS = 60;

/** The picture itself in place of its address. */
export function isPictureInBase64(text: string): boolean {
  return text.length > SIGNATURE_CHARACTERS && BASE64_SIGNATURE.test(text.slice(0, SIGNATURE_CHARACTERS));
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Without lists around them, and without what is absent. */
export function entries(values: readonly unknown[]): unknown[] {
  return values
    .flat(3)
    .filter((value) => value !== null && value !== undefined)
    .slice(0, ENTRIES_MAX);
}
