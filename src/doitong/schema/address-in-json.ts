/** Finds the address of a picture in fields that no schema describes, by the names of the fields around it. */
import { isNameOf } from './names.ts';

type Json = Record<string, unknown>;

const VISITS_MAX = 200;
const MEMBERS_MAX = 200;
const ENTRIES_MAX = 10_000;
/** Below a name that holds an address: the address by itself, or sizes to choose from. */
const PLAIN_NAMES = ['value', 'raw', 'full', 'original', 'large', 'default', 'main', 'regular', 'http', 'https'];

/**
 * The nearest address under a name that fits, through lists and objects.
 * @param isSign whether it is the only sign that the job is finished: a link to the job itself is none
 */
export function addressInJson(json: Json, isSign = false): string | undefined {
  const queue: Json[] = [json];
  for (let visits = 0; visits < VISITS_MAX; visits += 1) {
    const record = queue.shift();
    if (record === undefined) return undefined;
    const members = Object.entries(record)
      .slice(0, MEMBERS_MAX)
      .filter(([name]) => !isSign || visits > 0 || isNameOf('beginsWithOutput', name));
    for (const kind of ['url', 'output', 'base64'] as const) {
      for (const [, value] of members.filter(([name]) => isNameOf(kind, name))) {
        const values = entries([value]);
        for (const one of values) {
          const url = addressOf(one, kind === 'url') ?? (kind === 'url' ? addressInside(one) : undefined);
          if (url !== undefined) return url;
        }
        queue.push(...values.filter(isRecord).slice(0, VISITS_MAX));
      }
    }
  }
  return undefined;
}

function addressInside(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const addresses = PLAIN_NAMES.map((name) => addressOf(value[name], true));
  return addresses.find((address) => address !== undefined);
}

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
