/** The words for the user's budget, the plan and the limits of the service, for models. */
import { creditRange, SIDE_PX } from '../../core/image-request.ts';
import type { LimitReason, Wanted } from '../../core/reasons.ts';
import type { Words } from './said.ts';
import { grouped } from './times.ts';

const TOMORROW = 'wait for the next day (UTC)';
const LARGER_PLAN =
  'change to a larger plan, or to set DOITONG_PLAN if the plan is larger already and restart the server';

export const LIMITS_WORDS: Words<LimitReason> = {
  call_too_expensive: ({ max, allowed, images }) => ({
    what: `This call may cost up to ${grouped(max)} credits; one call may cost at most ${grouped(allowed)}.`,
    ...either([cheaper(max, images, allowed)], raising('FLUX_MAX_CREDITS_PER_CALL', max)),
  }),
  more_than_accepted: ({ max, accepted, images }) => ({
    what: `This call may cost up to ${grouped(max)} credits, more than max_credits (${accepted}).`,
    ...either(
      [cheaper(max, images, accepted)],
      'accept that price',
      `Only if the user does, repeat the call with max_credits ${max}.`,
    ),
  }),
  balance_too_low: ({ min, max, balance, images }) => ({
    what: `This call costs ${min} to ${max} credits; the last known balance is ${grouped(balance)}.`,
    ...either(
      [cheaper(max, images, balance)],
      'agree to that price and top up at Doitong',
      `Only after that, repeat the call with max_credits ${max}.`,
    ),
  }),
  budget_exceeded: ({ wanted, allowed, spent, reserved }) => {
    const left = Math.max(0, allowed - spent - reserved);
    const held = reserved > 0 ? `, ${grouped(reserved)} reserved for unfinished pictures` : '';
    const soon = wanted.credits <= allowed - spent && 'wait for the unfinished pictures, which often cost less';
    const tomorrow = wanted.credits <= allowed && TOMORROW;
    const raised = raising('FLUX_MAX_CREDITS_PER_DAY', spent + reserved + wanted.credits);
    const few =
      left === allowed
        ? `more than today's whole budget of ${grouped(allowed)}`
        : `but only ${grouped(left)} of today's ${grouped(allowed)} are left (${grouped(spent)} spent${held})`;
    return {
      what: `${pictures(wanted)} may cost up to ${grouped(wanted.credits)} credits, ${few}.`,
      ...either([cheaper(wanted.credits, wanted.images, left), soon, tomorrow], raised),
    };
  },
  pictures_exceeded: ({ wanted, allowed, ordered }) => ({
    what: `${pictures(wanted)} would exceed today's limit of ${grouped(allowed)} (${ordered} ordered since 00:00 UTC).`,
    ...either(fewer(wanted, allowed, ordered), raising('FLUX_MAX_IMAGES_PER_DAY', ordered + wanted.images)),
  }),
  plan_exceeded: ({ wanted, allowed, ordered }) => ({
    what: `${pictures(wanted)} would exceed the plan's ${grouped(allowed)} jobs a day (${ordered} ordered since 00:00 UTC).`,
    ...either(fewer(wanted, allowed, ordered), LARGER_PLAN),
  }),
  requests_paused: () => 'The service has asked for a pause until its rate limit resets.',
};

const raising = (setting: string, to: number): string => `raise ${setting} to ${to} or more and restart the server`;

const pictures = ({ images }: Wanted): string => (images === 1 ? 'This picture' : `These ${images} pictures`);

/** @param user what only the user can do @param next what the model does after that */
function either(choices: readonly (string | false | undefined)[], user: string, next?: string) {
  const text = choices.filter(Boolean).join(', ');
  if (text === '') return { user, next };
  const first = `${text.charAt(0).toUpperCase()}${text.slice(1)}, or ask the user to ${user}.`;
  return { next: next === undefined ? first : `${first} ${next}` };
}

/** What to order instead, where anything is cheap enough. */
function cheaper(credits: number, images: number, allowed: number): string | undefined {
  const { max } = creditRange(SIDE_PX.min, SIDE_PX.min);
  const fitting = Math.floor(allowed / max);
  const size = credits > images * max ? ' of at most 1 megapixel' : '';
  if (fitting === 0) return undefined;
  if (fitting < images) return `order at most ${fitting} ${fitting === 1 ? 'picture' : 'pictures'}${size}`;
  if (images === 1) return `order a picture${size} (up to ${max} credits)`;
  return `order fewer or smaller pictures (${images}${size} cost up to ${images * max} credits)`;
}

function fewer({ images }: Wanted, allowed: number, ordered: number): (string | false)[] {
  const left = allowed - ordered;
  return [left > 0 && left < images && `order at most ${left} now`, images <= allowed && TOMORROW];
}
