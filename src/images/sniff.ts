/** Tells from its first bytes what kind of picture this is. */

export type ImageType = { mediaType: string; extension: string };

const ascii = (bytes: Uint8Array, from: number, text: string): boolean =>
  [...text].every((character, index) => bytes[from + index] === character.charCodeAt(0));

const starts = (bytes: Uint8Array, ...values: number[]): boolean =>
  values.every((value, index) => bytes[index] === value);

/** `undefined` for anything that is not JPEG, PNG, WebP or AVIF; what the sender called it does not count. */
export function sniffImage(bytes: Uint8Array): ImageType | undefined {
  if (starts(bytes, 0xff, 0xd8, 0xff)) return { mediaType: 'image/jpeg', extension: 'jpg' };
  if (starts(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))
    return { mediaType: 'image/png', extension: 'png' };
  if (ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WEBP')) return { mediaType: 'image/webp', extension: 'webp' };
  if (ascii(bytes, 4, 'ftypavif') || ascii(bytes, 4, 'ftypavis')) return { mediaType: 'image/avif', extension: 'avif' };
  return undefined;
}
