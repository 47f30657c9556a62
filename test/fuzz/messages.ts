/** Whole messages of every kind, from which the mutations start. */
import type { Dice } from '../crash/dice.ts';
import { envelope } from '../support/raw-host.ts';

export type Session = {
  /** Protocol version of the handshake; `2026-07-28` has none; `none` sends none although the era has one. */
  version: '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28' | 'none';
};

export const SESSIONS: readonly Session['version'][] = [
  '2025-11-25',
  '2026-07-28',
  '2025-03-26',
  '2025-06-18',
  '2026-07-28',
  '2024-11-05',
  'none',
];

/** Of a prompt that the fuzzer has written, so that a charge leads back to its message. */
const promptOf = (number: number): string => `A heron, number ${number}`;

type Params = Record<string, unknown>;
const SMALL = { width: 256, height: 256, wait_seconds: 0 };
const READING: readonly (readonly [method: string, params: Params])[] = [
  ['ping', {}],
  ['tools/list', {}],
  ['prompts/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'flux://limits' }],
  ['resources/read', { uri: 'flux://guide/prompting' }],
  ['resources/read', { uri: 'flux://jobs/job_0' }],
  ['resources/read', { uri: 'flux://images/job_0' }],
  ['resources/subscribe', { uri: 'flux://jobs/job_0' }],
  ['resources/unsubscribe', { uri: 'flux://jobs/job_0' }],
  [
    'subscriptions/listen',
    { notifications: { resourcesListChanged: true, resourceSubscriptions: ['flux://jobs/job_0'] } },
  ],
  ['prompts/get', { name: 'compose_image_prompt', arguments: { subject: 'a heron', style: 'woodcut print' } }],
  ['prompts/get', { name: 'review_image_prompt', arguments: { prompt: 'a heron' } }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'compose_image_prompt' }, argument: { name: 'style', value: 'w' } },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'flux://jobs/{job_id}' }, argument: { name: 'job_id', value: 'job_' } },
  ],
  ['logging/setLevel', { level: 'info' }],
  ['server/discover', {}],
  ['tools/call', { name: 'list_jobs', arguments: { limit: 5, status: 'completed' } }],
  ['tools/call', { name: 'get_job_status', arguments: { job_id: 'job_0', wait_seconds: 0 } }],
  ['tools/call', { name: 'check_rate_limits', arguments: { refresh: false } }],
];

const NOTIFICATIONS: readonly (readonly [method: string, params: Params])[] = [
  ['notifications/initialized', {}],
  ['notifications/roots/list_changed', {}],
  ['notifications/progress', { progressToken: 1, progress: 0.5 }],
];

/** @param number of the message, its id as well */
export function wholeMessage(number: number, { version }: Session, dice: Dice): Params {
  const [method, params] = methodAndParams(number, dice);
  const isNotification = method.startsWith('notifications/');
  const meta = version === '2026-07-28' && !(isNotification && dice.chance(0.5)) ? envelope() : {};
  return { jsonrpc: '2.0', ...(isNotification ? {} : { id: number }), method, params: { ...params, ...meta } };
}

function methodAndParams(number: number, dice: Dice): readonly [method: string, params: Params] {
  switch (dice.weighted({ read: 80, order: 5, notify: 10, cancel: 5 })) {
    case 'order':
      return dice.chance(0.7)
        ? ['tools/call', { name: 'generate_image', arguments: { prompt: promptOf(number), ...SMALL } }]
        : [
            'tools/call',
            { name: 'generate_images', arguments: { images: [{ prompt: promptOf(number) }], wait_seconds: 0 } },
          ];
    case 'notify':
      return oneOf(NOTIFICATIONS, dice);
    case 'cancel':
      return ['notifications/cancelled', { requestId: dice.between(Math.max(0, number - 20), number), reason: 'fuzz' }];
    default:
      return oneOf(READING, dice);
  }
}

export function oneOf<Value>(values: readonly Value[], dice: Dice): Value {
  const value = values[dice.between(0, values.length - 1)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}
