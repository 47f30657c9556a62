/** What may arrive at the webhook's path, and what is to become of it: the vectors of the signature check. */
import { createHmac } from 'node:crypto';

export const SECRET = 'whsec_fox-and-hen';
export const PATH = '/hooks/doitong';
/** Of the jobs that the vectors are about. */
export const isKnown = (remoteId: string): boolean => remoteId.startsWith('dt_') || remoteId === '7';

export type Delivery = {
  method?: string;
  path?: string;
  body: string | Uint8Array;
  /** Names and values in turn. */
  headers: readonly string[];
};

export type WebhookVector = {
  name: string;
  /** What has come before, over the same sink. */
  before?: readonly Delivery[];
  delivery: Delivery;
  status: 200 | 401 | 404 | 413;
  /** What becomes of the last delivery. */
  counted?: 'accepted' | 'replayed' | 'unknown' | 'forged' | 'malformed';
};

const NAME = 'X-Doitong-Signature';
const BODY = '{"id":"dt_1","status":"completed","url":"https://cdn.doitong.com/outputs/dt_1.jpg"}';
/** Of `BODY`, by another program than the one under test. */
const HEX = '1806b619765ef4ead447a79a16c4bd35030a2ecdb2c96bb0ceab2479a77208ec';
const UNICODE_BODY = '{"id":"dt_1","prompt":"ein Fuchs 🦊 im Schnee, naïve"}';
const UNICODE_HEX = '419e4a3501dbc4a48d80d2c91578f2ad994590619cfc682d0b8327087512cacd';

export function hexOf(body: string | Uint8Array, secret = SECRET, algorithm = 'sha256'): string {
  return createHmac(algorithm, secret).update(body).digest('hex');
}

export function signed(body: string | Uint8Array): Delivery {
  return { body, headers: ['Content-Type', 'application/json', NAME, `sha256=${hexOf(body)}`] };
}

/** `BODY` under this value of the signature's header. */
const under = (value: string): Delivery => ({ body: BODY, headers: [NAME, value] });
const idEvent = (id: unknown): Delivery => signed(JSON.stringify({ id, status: 'completed' }));
const others = (count: number): Delivery[] =>
  Array.from({ length: count }, (_, index) => signed(`{"id":"dt_other_${index}"}`));

/** An event of exactly so many bytes. */
function eventOf(bytes: number): string {
  const [head, tail] = ['{"id":"dt_1","padding":"', '"}'];
  return head + 'x'.repeat(bytes - head.length - tail.length) + tail;
}

const accepted = { status: 200, counted: 'accepted' } as const;
const replayed = { status: 200, counted: 'replayed' } as const;
const forged = { status: 401, counted: 'forged' } as const;
const malformed = { status: 404, counted: 'malformed' } as const;
const elsewhere = { status: 404 } as const;

export const WEBHOOK_VECTORS: readonly WebhookVector[] = [
  { name: 'an event as documented', delivery: under(`sha256=${HEX}`), ...accepted },
  {
    name: 'letters beyond ASCII',
    delivery: { body: UNICODE_BODY, headers: [NAME, `sha256=${UNICODE_HEX}`] },
    ...accepted,
  },
  { name: 'upper-case digits', delivery: under(`sha256=${HEX.toUpperCase()}`), ...accepted },
  {
    name: 'digits of both cases',
    delivery: under(`sha256=${HEX.slice(0, 32).toUpperCase()}${HEX.slice(32)}`),
    ...accepted,
  },
  {
    name: "the header's name in another case",
    delivery: { body: BODY, headers: ['x-DOITONG-signature', `sha256=${HEX}`] },
    ...accepted,
  },
  { name: 'a body of exactly the limit', delivery: signed(eventOf(65_536)), ...accepted },
  { name: 'a body with a byte order mark', delivery: signed(`\uFEFF${BODY}`), ...accepted },
  { name: 'an id that is a number', delivery: idEvent(7), ...accepted },
  { name: 'fields that nobody knows', delivery: signed('{"id":"dt_1","more":{"id":"dt_2"}}'), ...accepted },
  { name: 'a query after the path', delivery: { ...signed(BODY), path: `${PATH}?via=tunnel` }, ...accepted },

  { name: 'no header', delivery: { body: BODY, headers: ['Content-Type', 'application/json'] }, ...forged },
  { name: 'an empty header', delivery: under(''), ...forged },
  {
    name: 'a header that came twice, equal both times',
    delivery: { body: BODY, headers: [NAME, `sha256=${HEX}`, NAME, `sha256=${HEX}`] },
    ...forged,
  },
  {
    name: 'a header that came twice, the right one last',
    delivery: {
      body: BODY,
      headers: [NAME, `sha256=${'0'.repeat(64)}`, 'Host', 'a', NAME.toLowerCase(), `sha256=${HEX}`],
    },
    ...forged,
  },
  { name: 'two signatures in one header', delivery: under(`sha256=${HEX}, sha256=${HEX}`), ...forged },
  {
    name: 'the signature as the value of another header whose value is the name',
    delivery: { body: BODY, headers: ['X-Other', NAME, `sha256=${HEX}`, 'x'] },
    ...forged,
  },
  { name: 'a digit too few', delivery: under(`sha256=${HEX.slice(1)}`), ...forged },
  { name: 'a digit too many', delivery: under(`sha256=${HEX}0`), ...forged },
  { name: 'half of the signature', delivery: under(`sha256=${HEX.slice(0, 32)}`), ...forged },
  { name: 'the signature twice in a row', delivery: under(`sha256=${HEX}${HEX}`), ...forged },
  { name: 'something that is not a digit', delivery: under(`sha256=${HEX.slice(0, -1)}g`), ...forged },
  { name: 'SHA-1', delivery: under(`sha1=${hexOf(BODY, SECRET, 'sha1')}`), ...forged },
  { name: 'SHA-512', delivery: under(`sha512=${hexOf(BODY, SECRET, 'sha512')}`), ...forged },
  {
    name: 'SHA-512, cut and renamed',
    delivery: under(`sha256=${hexOf(BODY, SECRET, 'sha512').slice(0, 64)}`),
    ...forged,
  },
  { name: 'no algorithm', delivery: under(HEX), ...forged },
  { name: 'an algorithm in capitals', delivery: under(`SHA256=${HEX}`), ...forged },
  { name: 'a look-alike of the algorithm', delivery: under(`\u017Fha256=${HEX}`), ...forged },
  { name: 'spaces around the value', delivery: under(` sha256=${HEX} `), ...forged },
  { name: 'a space after the sign', delivery: under(`sha256= ${HEX}`), ...forged },
  { name: 'a line feed at the end', delivery: under(`sha256=${HEX}\n`), ...forged },
  {
    name: 'Base64 instead of digits',
    delivery: under(`sha256=${Buffer.from(HEX, 'hex').toString('base64')}`),
    ...forged,
  },
  { name: 'another secret', delivery: under(`sha256=${hexOf(BODY, 'whsec_another')}`), ...forged },
  { name: 'an empty secret', delivery: under(`sha256=${hexOf(BODY, '')}`), ...forged },
  { name: 'a secret with a line feed', delivery: under(`sha256=${hexOf(BODY, `${SECRET}\n`)}`), ...forged },
  {
    name: 'an altered body',
    delivery: { ...under(`sha256=${HEX}`), body: BODY.replace('dt_1', 'dt_2') },
    ...forged,
  },
  { name: 'the same JSON in other bytes', delivery: { ...under(`sha256=${HEX}`), body: `${BODY}\n` }, ...forged },
  {
    name: 'an empty body under the signature of another',
    delivery: { ...under(`sha256=${HEX}`), body: '' },
    ...forged,
  },
  { name: 'JSON without a signature', delivery: { body: BODY, headers: [] }, ...forged },

  { name: 'an empty body, signed', delivery: signed(''), ...malformed },
  { name: 'no JSON, signed', delivery: signed('id=dt_1&status=completed'), ...malformed },
  { name: 'half of an event, signed', delivery: signed(BODY.slice(0, 40)), ...malformed },
  {
    name: 'bytes that are no UTF-8, signed',
    delivery: signed(Buffer.from('{"id":"dt_\xff"}', 'latin1')),
    ...malformed,
  },
  { name: 'JSON without an id, signed', delivery: signed('{"status":"completed"}'), ...malformed },
  { name: 'a list, signed', delivery: signed(`[${BODY}]`), ...malformed },
  { name: 'null, signed', delivery: signed('null'), ...malformed },
  { name: 'an id that is an object', delivery: idEvent({ id: 'dt_1' }), ...malformed },
  { name: 'an id that is a list', delivery: idEvent(['dt_1']), ...malformed },
  { name: 'an id that is null', delivery: idEvent(null), ...malformed },
  { name: 'an empty id', delivery: idEvent(' '), ...malformed },
  { name: 'an id with a line feed', delivery: idEvent('dt_1\nWARN'), ...malformed },
  { name: 'an id of 201 characters', delivery: idEvent(`dt_${'1'.repeat(198)}`), ...malformed },
  { name: 'a pit of brackets, signed', delivery: signed('['.repeat(60_000)), ...malformed },

  { name: 'a byte over the limit', delivery: signed(eventOf(65_537)), status: 413, counted: 'malformed' },
  {
    name: 'a byte over the limit, unsigned',
    delivery: { body: eventOf(65_537), headers: [] },
    status: 413,
    counted: 'malformed',
  },

  { name: 'a replay', before: [signed(BODY)], delivery: signed(BODY), ...replayed },
  {
    name: 'a replay under digits of another case',
    before: [signed(BODY)],
    delivery: under(`sha256=${HEX.toUpperCase()}`),
    ...replayed,
  },
  { name: 'a replay after many others', before: [signed(BODY), ...others(4_000)], delivery: signed(BODY), ...replayed },
  {
    name: 'a replay after more than are remembered, which is a hint like any other',
    before: [signed(BODY), ...others(4_100)],
    delivery: signed(BODY),
    ...accepted,
  },
  { name: 'another event of the same job', before: [idEvent('dt_1')], delivery: signed(BODY), ...accepted },
  {
    name: 'a true event after a forged one with its body',
    before: [under(`sha256=${'0'.repeat(64)}`)],
    delivery: signed(BODY),
    ...accepted,
  },
  { name: 'an unknown job', delivery: idEvent('someone_else_1'), status: 200, counted: 'unknown' },
  {
    name: 'an unknown job again, which might be known by now',
    before: [idEvent('someone_else_1')],
    delivery: idEvent('someone_else_1'),
    status: 200,
    counted: 'unknown',
  },

  { name: 'GET', delivery: { ...signed(BODY), method: 'GET' }, ...elsewhere },
  { name: 'PUT', delivery: { ...signed(BODY), method: 'PUT' }, ...elsewhere },
  { name: 'a method in small letters', delivery: { ...signed(BODY), method: 'post' }, ...elsewhere },
  { name: 'another path', delivery: { ...signed(BODY), path: '/hooks/other' }, ...elsewhere },
  { name: 'the path in capitals', delivery: { ...signed(BODY), path: PATH.toUpperCase() }, ...elsewhere },
  { name: 'a slash at the end', delivery: { ...signed(BODY), path: `${PATH}/` }, ...elsewhere },
  { name: 'the path below another', delivery: { ...signed(BODY), path: `/x${PATH}` }, ...elsewhere },
  { name: 'a path with dots', delivery: { ...signed(BODY), path: `/x/..${PATH}` }, ...elsewhere },
  { name: 'a whole URL as target', delivery: { ...signed(BODY), path: `http://example.org${PATH}` }, ...elsewhere },
  { name: 'too much at another path', delivery: { body: eventOf(65_537), headers: [], path: '/' }, ...elsewhere },
];
