/** Finds the picture of a finished job by the names of the fields around it: an absolute address, or the picture itself. */
import type { RemoteJob } from '../core/image-provider.ts';
import type { PictureAddressProblem } from '../core/reasons.ts';
import { type ContainsSecret, REDACTED } from '../core/redaction.ts';
import { cleanLine, urlOf } from '../core/untrusted-text.ts';
import { beginsWithOutput, isNameOf } from './schema/names.ts';
import { type Fields, isRecord } from './wire-values.ts';

/** Signed addresses are long; what is longer than this is cut or refused by servers on the way. */
const ADDRESS_MAX_CHARACTERS = 4_096;

const VISITS_MAX = 200;
/** Below a name that holds an address: the address by itself, or sizes to choose from. */
const PLAIN_NAMES = ['value', 'raw', 'full', 'original', 'large', 'default', 'main', 'regular', 'http', 'https'];

/** How a JPEG, PNG, WebP or GIF begins in Base64; no picture is shorter. */
const BASE64_PICTURE = /^(?:\/9j\/|iVBORw0KGgo|UklGR|R0lGOD)[\w+/-]{50}/u;
/** Absolute, or relative to the host; Base64 text of a JPEG begins with a slash, too. */
const LIKE_ADDRESS = /^(?:https?:\/\/|\/(?!9j\/))\S+$/iu;

/**
 * Where the picture is: `url`, or the nearest address under a name that fits, through lists and objects.
 * @param isSign whether it is the only sign that the job is finished: a link to the job itself is none
 */
export function addressIn(raw: Fields, isSign: boolean): string | undefined {
  const url = addressOf(raw.url, true);
  if (url !== undefined) return url;
  const queue: Fields[] = [raw];
  for (const [visits, record] of queue.entries()) {
    if (visits === VISITS_MAX) return undefined;
    const members = Object.entries(record)
      .slice(0, VISITS_MAX)
      .filter(([name]) => !isSign || visits > 0 || beginsWithOutput(name));
    for (const kind of ['url', 'output', 'base64'] as const) {
      const values = entries(members.filter(([name]) => isNameOf(kind, name)).map(([, value]) => value));
      const address = values.map((value) => addressOf(value, kind === 'url')).find((found) => found !== undefined);
      if (address !== undefined) return address;
      queue.push(...values.filter(isRecord).slice(0, VISITS_MAX));
    }
  }
  return undefined;
}

/** What a field is called says that it holds an address; elsewhere the value has to look like one. */
function addressOf(value: unknown, isNamed: boolean): string | undefined {
  if (isNamed && isRecord(value))
    return PLAIN_NAMES.map((name) => addressOf(value[name], true)).find((address) => address !== undefined);
  const text = typeof value === 'string' ? value.trim() : '';
  const isAddress = isNamed || /^data:image\//iu.test(text) || BASE64_PICTURE.test(text) || LIKE_ADDRESS.test(text);
  return isAddress && text !== '' ? text : undefined;
}

type PictureSource = Pick<RemoteJob, 'url' | 'inlinePicture' | 'failure'>;

/**
 * @param text not empty and without blanks around it
 * @param origin of the API, against which a relative address is resolved
 * @param containsSecret an address in its normal form may reveal what the text hid
 */
export function pictureSource(text: string, origin: string, containsSecret: ContainsSecret): PictureSource {
  if (BASE64_PICTURE.test(text)) return { inlinePicture: `data:;base64,${text}` };
  // What follows is decoded and checked where pictures are; its size is bounded by that of an answer.
  if (/^data:/iu.test(text)) return { inlinePicture: text };
  if (text.includes(REDACTED)) return unusable('secret');
  if (text.length > ADDRESS_MAX_CHARACTERS) return unusable('too_long', String(text.length));
  if (/\p{Cc}/u.test(text)) return unusable('control_characters');
  // Resolved once and recorded so: whoever reads the record needs no origin, and sees the address that is fetched.
  // Nearly every text is an address relative to another one, whole sentences included.
  const isWords = /\s/u.test(text) && !/^[/\\]/u.test(text) && urlOf(text) === undefined;
  const url = isWords ? undefined : urlOf(text, origin);
  if (url === undefined) return unusable('no_url', text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return unusable('not_https', url.protocol);
  if (containsSecret(url.href)) return unusable('secret');
  // Resolving and escaping make an address longer.
  if (url.href.length > 2 * ADDRESS_MAX_CHARACTERS) return unusable('too_long', String(url.href.length));
  return { url: url.href };
}

function unusable(problem: PictureAddressProblem, shown = ''): PictureSource {
  const reason = { code: 'picture_address_unusable', problem, shown: cleanLine(shown, 80) } as const;
  return { failure: { kind: 'download_failed', reason, creditsSpent: 'yes', retry: 'no' } };
}

/** Without lists around them, and without what is absent. */
export function entries(values: readonly unknown[]): unknown[] {
  return values
    .flat(3)
    .filter((value) => value !== null && value !== undefined)
    .slice(0, 10_000);
}
