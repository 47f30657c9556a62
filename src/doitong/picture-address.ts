/** Reads what a finished job says about its picture: an absolute address, the picture itself, or neither. */
import type { Failure } from '../core/failure.ts';
import type { RemoteJob } from '../core/image-provider.ts';
import { type ContainsSecret, REDACTED } from '../core/redaction.ts';
import { fenced } from '../core/untrusted-text.ts';
import { isPictureInBase64 } from './schema/address-in-json.ts';

/** Signed addresses are long; what is longer than this is cut or refused by servers on the way. */
const ADDRESS_MAX_CHARACTERS = 4_096;
const SHOWN_CHARACTERS = 80;
const HAS_SECRET = 'contains a secret of this server, the API key perhaps';

type PictureSource = Pick<RemoteJob, 'url' | 'inlinePicture' | 'failure'>;

/**
 * @param text not empty and without blanks around it
 * @param origin of the API, against which a relative address is resolved
 * @param containsSecret an address in its normal form may reveal what the text hid
 */
export function pictureSource(
  text: string,
  origin?: string,
  containsSecret: ContainsSecret = () => false,
): PictureSource {
  if (isPictureInBase64(text)) return { inlinePicture: `data:;base64,${text}` };
  // What follows is decoded and checked where pictures are; its size is bounded by that of an answer.
  if (/^data:/iu.test(text.slice(0, 5))) return { inlinePicture: text };
  if (text.includes(REDACTED)) return unusable(HAS_SECRET);
  if (text.length > ADDRESS_MAX_CHARACTERS) {
    return unusable(
      `is ${text.length.toLocaleString('en-US')} characters long; at most ${ADDRESS_MAX_CHARACTERS.toLocaleString('en-US')} are accepted`,
    );
  }
  if (/\p{Cc}/u.test(text)) return unusable('contains control characters');
  // Resolved once and recorded so: whoever reads the record needs no origin, and sees the address that is fetched.
  // Nearly every text is an address relative to another one, whole sentences included.
  const isWords = /\s/u.test(text) && !/^[/\\]/u.test(text) && !URL.canParse(text);
  const url = !isWords && URL.canParse(text, origin) ? new URL(text, origin) : undefined;
  if (url === undefined) return unusable(`is not a URL (${fenced(text, SHOWN_CHARACTERS)})`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return unusable(`is not an https address (it begins with ${fenced(url.protocol, SHOWN_CHARACTERS)})`);
  }
  if (containsSecret(url.href)) return unusable(HAS_SECRET);
  // Resolving and escaping make an address longer.
  if (url.href.length > 2 * ADDRESS_MAX_CHARACTERS) return unusable('is too long once it is escaped');
  return { url: url.href };
}

function unusable(what: string): { failure: Failure } {
  return {
    failure: {
      kind: 'download_failed',
      message: `The service finished the picture, but the address that it gave for it ${what}. The picture was not saved.`,
      creditsSpent: 'yes',
      retry: 'no',
      remedy:
        'Ask the user to report this job to Doitong; once the service gives another address, get_job_status saves the picture without a new charge.',
    },
  };
}
