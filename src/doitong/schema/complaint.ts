/** Takes validation messages apart without patterns that would be tried again at each place of a long message. */

const REFUSED = /^Variable ["']\$[_A-Za-z][_0-9A-Za-z]*["'] got invalid value (.+)$/su;
const COMPLAINT = '; Field ';

/**
 * What a message says behind the value that it refuses. The value may hold anything, a whole prompt or another complaint:
 * the last one is the service's own.
 */
export function complaintBehindValue(message: string): { refused: string; complaint: string } | undefined {
  const at = message.lastIndexOf(COMPLAINT);
  const refused = at < 0 ? undefined : REFUSED.exec(message.slice(0, at))?.[1];
  return refused === undefined ? undefined : { refused, complaint: withoutSuggestion(message.slice(at)) };
}

/** A message that ends in a suggestion (`. Did you mean "width"?`), without it. */
export function withoutSuggestion(message: string): string {
  if (!message.endsWith('?')) return message;
  const at = Math.max(message.lastIndexOf('. Did you mean '), message.lastIndexOf('; did you mean '));
  return at < 0 ? message : `${message.slice(0, at)}.`;
}
