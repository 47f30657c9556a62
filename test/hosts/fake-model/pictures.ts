/** Pictures in requests to a model API: what the real ones are documented to take. */
import { inspectPicture } from '../../../src/images/inspect.ts';
import { type Picture, Refusal } from './conversation.ts';

const MEDIA_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/u;

/** @throws Refusal */
export function readPicture(mediaType: string, base64: string, where: string): Picture {
  if (!MEDIA_TYPES.includes(mediaType))
    throw new Refusal(
      `${where}: unsupported media type ${JSON.stringify(mediaType)}; allowed: ${MEDIA_TYPES.join(', ')}`,
    );
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) throw new Refusal(`${where}: the image is not valid base64`);
  const bytes = Buffer.from(base64, 'base64');
  const found = inspectPicture(bytes);
  if (found === undefined) throw new Refusal(`${where}: could not process image`);
  if (found.mediaType !== mediaType)
    throw new Refusal(`${where}: the image was declared as ${mediaType} but is ${found.mediaType}`);
  return { mediaType, bytes: bytes.length, width: found.size?.width ?? 0, height: found.size?.height ?? 0 };
}

const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/u;

/** @throws Refusal also for addresses: no picture of these tests has one that the real API could fetch */
export function readPictureUrl(url: unknown, where: string): Picture {
  const text = typeof url === 'string' ? url : '';
  const head = DATA_URL.exec(text.slice(0, 100));
  if (head?.[1] === undefined)
    throw new Refusal(`${where}: expected a base64-encoded data URL, got ${JSON.stringify(text.slice(0, 60))}`);
  return readPicture(head[1], text.slice(head[0].length), where);
}
