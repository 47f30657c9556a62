/** What else can stand in the words of a failure: keys, folders, certificates, addresses and answers of each kind. */
import type {
  CertificateFault,
  KeyProblem,
  LostAnswer,
  PictureAddressProblem,
  PictureReason,
  PictureReplacement,
  PictureUrlProblem,
  Reason,
  ServiceAnswer,
  ServicePurpose,
} from '../../src/core/reasons.ts';
import { PROXY } from './failure-rows.ts';

/** The compiler asks for each name. */
const all = <Name extends string>(names: Record<Name, true>): Name[] => Object.keys(names) as Name[];

/** By type, with what is shown of it where something is. */
const KEYS: Record<KeyProblem['type'], string> = {
  placeholder: '$DOITONG_API_KEY',
  example: 'your-api-key',
  reference: 'op://',
  not_readable: 'ENOENT',
  json: '',
  quotes: '',
  header: '',
  assignment: '',
  several_lines: '',
  malformed: '',
  empty: '',
  utf16: '',
  no_file: '',
  too_large: '',
};
const keyProblems = (Object.entries(KEYS) as [KeyProblem['type'], string][]).map(
  ([type, shown]) => (shown === '' ? { type } : { type, shown }) as KeyProblem,
);

/** Codes of the system that have words, one that has none, and two problems of our own. */
const FOLDERS = [
  ...['ENOTDIR', 'EEXIST', 'ELOOP', 'ENOENT', 'EACCES', 'EPERM', 'ERR_ACCESS_DENIED', 'EROFS', 'ENOSPC', 'EDQUOT'],
  ...['EIO', 'EMFILE', 'ENFILE', 'EBADF', 'no_answer', 'linked_folder'],
];

const NETWORK = [
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNRESET', 'EPIPE'],
  ...['EPROTO', undefined],
];

const FAULTS = all<CertificateFault>({
  expired: true,
  not_valid_yet: true,
  other_host: true,
  self_signed: true,
  unknown_authority: true,
  other: true,
});

const ADDRESSES = all<PictureAddressProblem>({
  secret: true,
  too_long: true,
  control_characters: true,
  no_url: true,
  not_https: true,
});
const URLS = all<PictureUrlProblem>({ no_url: true, user_information: true, not_https: true, port: true });
/** What is shown of an address. */
const SHOWN: Partial<Record<PictureAddressProblem | PictureUrlProblem, string>> = { too_long: '70000', port: '8443' };

type Found = Extract<PictureReason, { code: 'not_a_picture' }>['found'];
const FOUND = all<Found>({ nothing: true, svg: true, html: true, json: true, text: true, something_else: true });

const REPLACED = all<PictureReplacement>({
  outside: true,
  link: true,
  linked_folder: true,
  no_file: true,
  too_large: true,
  no_picture: true,
});

const ANSWERS = all<ServiceAnswer>({
  invalidRequest: true,
  tooLarge: true,
  badKey: true,
  noCredits: true,
  moderated: true,
  notOffered: true,
  movedElsewhere: true,
  rateLimited: true,
  jobLimited: true,
  paused: true,
  notSent: true,
  blocked: true,
  redirected: true,
  conflict: true,
  keyReused: true,
  serviceError: true,
  otherRefusal: true,
  errorWithoutCode: true,
  unknownJob: true,
  noJobQuery: true,
  unreadable: true,
  lost: true,
});
const LOST = all<LostAnswer>({ call_ended: true, too_late: true, headers_too_long: true, connection_broke: true });
const PURPOSES = all<ServicePurpose>({ submit: true, read: true, probe: true });

const host = 'api.doitong.com';
const file = '/home/user/Pictures/flux-pro/2026-11/a.jpg';

/** What only a file can be. */
const OF_FILES: readonly KeyProblem['type'][] = ['not_readable', 'empty', 'utf16', 'no_file', 'too_large'];
const isOfFile = ({ type }: KeyProblem): boolean => OF_FILES.includes(type);

export const VARIANTS: readonly (readonly [subject: string, reasons: readonly Reason[]])[] = [
  ['the key', keyProblems.filter((one) => !isOfFile(one)).map((problem) => ({ code: 'key_not_usable', problem }))],
  [
    'the key file',
    keyProblems.filter(isOfFile).map((problem) => ({ code: 'key_not_usable', file: '/home/user/key', problem })),
  ],
  [
    'a folder',
    FOLDERS.map((problem) => ({ code: 'folder_not_usable', contents: 'records', folder: '/home/user/state', problem })),
  ],
  ['a saved picture', REPLACED.map((by) => ({ code: 'picture_replaced', file, by }))],
  [
    'the address of a picture',
    [
      ...ADDRESSES.map((problem) => ({ problem, code: 'picture_address_unusable' as const })),
      ...URLS.map((problem) => ({ problem, code: 'picture_url_refused' as const })),
    ].map((one) => ({ ...one, shown: SHOWN[one.problem] ?? 'ftp://cdn' }) as Reason),
  ],
  ['what was delivered', FOUND.map((found) => ({ code: 'not_a_picture', found }))],
  ['the connection', NETWORK.map((errorCode) => ({ code: 'not_connected', to: 'service', host, errorCode }))],
  [
    'the certificate',
    FAULTS.map((fault) => ({ code: 'certificate_refused', to: 'service', host, fault, errorCode: 'CERT_CODE' })),
  ],
  [
    'the proxy',
    [407, 403, 502].map((status) => ({ code: 'proxy_refused', to: 'picture', host, proxy: PROXY, status })),
  ],
  ['an answer', ANSWERS.map((answer) => ({ code: 'service_answered', answer, purpose: 'submit' }))],
  ['no answer', LOST.flatMap((how) => PURPOSES.map((purpose) => ({ code: 'answer_lost' as const, purpose, how })))],
];
