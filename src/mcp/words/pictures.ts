/** The words for finished pictures that cannot be fetched, for models. */
import type { PictureAddressProblem, PictureReason, PictureUrlProblem } from '../../core/reasons.ts';
import { fenced } from '../../core/untrusted-text.ts';
import type { Words } from './said.ts';
import { lasting } from './times.ts';

const NOT_FETCHED = 'look for this picture in the account at Doitong: this server does not fetch it from that address';

/** What follows "the address". */
const ADDRESS_PROBLEMS: Readonly<Record<PictureAddressProblem | PictureUrlProblem, (shown: string) => string>> = {
  secret: () => 'contains a secret of this server, the API key perhaps',
  too_long: (shown) => `is ${Number(shown).toLocaleString('en-US')} characters long, which is too long`,
  control_characters: () => 'contains control characters',
  no_url: (shown) => `is not a URL (${fenced(shown)})`,
  not_https: (shown) => `is not an https address (${fenced(shown)})`,
  user_information: () => 'contains a user name or password',
  port: (shown) => `names port ${shown}; pictures are fetched from port 443 only`,
};

const FOUND = {
  nothing: 'nothing',
  svg: 'an SVG drawing',
  html: 'an HTML page',
  json: 'JSON',
  text: 'text',
  something_else: 'something else',
} as const;

export const PICTURES_WORDS: Words<PictureReason> = {
  picture_address_unusable: ({ problem, shown }) => ({
    what: `The address that the service gave for the picture ${ADDRESS_PROBLEMS[problem](shown)}.`,
    user: 'report this job to Doitong',
    next: 'Once the service gives another address, get_job_status saves the picture without a new charge.',
  }),
  picture_url_refused: ({ problem, shown }) => ({
    what: `The address of the picture ${ADDRESS_PROBLEMS[problem](shown)}.`,
    user: NOT_FETCHED,
  }),
  picture_host_not_listed: ({ host }) => ({
    what: `The picture is on ${fenced(host)}, which is not a host that pictures may be fetched from.`,
    user: "decide whether pictures may be fetched from that host: only the user can allow it, by DOITONG_DOWNLOAD_HOSTS in the host's configuration and a restart of the server",
    next: 'After that, get_job_status saves the picture without a new charge.',
  }),
  picture_host_is_inside: ({ host, address }) => {
    const where = address === undefined ? 'has no address' : `has the address ${address}`;
    return {
      what: `The picture's host resolves to this machine or a private network (${host} ${where}); nothing was fetched from there.`,
      user: 'check the DNS settings of this machine',
      next: 'After that, get_job_status saves the picture without a new charge.',
    };
  },
  picture_host_answered: ({ status }) => notFetched(`the host answered HTTP ${status}`),
  picture_redirected: ({ redirects }) => notFetched(`it was redirected more than ${redirects} times`),
  picture_other_part: () => notFetched('the host sent only a part of it'),
  picture_encoding_unknown: ({ encoding }) => notFetched(`it is encoded as ${fenced(encoding)} and cannot be decoded`),
  picture_nowhere: () => 'The service does not say where the finished picture is.',
  picture_data_missing: () => notFetched('the service sent a data URL without data'),
  picture_too_large: ({ maxBytes }) => ({
    what: `The finished picture is larger than ${maxBytes / 1024 ** 2} MB.`,
    user: 'look for this picture in the account at Doitong: this server fetches none of that size',
  }),
  picture_too_slow: ({ seconds }) => notFetched(`it took longer than ${lasting(seconds)}`),
  picture_transfer_broke: ({ errorCode = 'the connection broke' }) => notFetched(errorCode),
  picture_incomplete: () => 'The finished picture arrived incomplete.',
  not_a_picture: ({ found }) => `What the service delivered is ${FOUND[found]}, not a picture.`,
};

function notFetched(why: string): string {
  return `The finished picture could not be fetched: ${why}.`;
}
