/** What is expected of an order in each scenario of the sandbox, by dialect, as data. */
import type { ScenarioName } from '../../sandbox/sandbox.ts';
import type { Play, Setting } from './scenario-play.ts';

export type Outcome = {
  /** `ok`: the picture is there; else the kind of the error, or the job's status. */
  kind: string;
  spent?: 'no' | 'maybe';
  /** Tries to order, under one key for each order. */
  orders: number;
  /** Questions for the schema. */
  schema: number;
  /** Looks at the job; `several`: as many as its time allows. */
  reads: number | 'several';
  charges: number;
};

export type Case = Play & { expected: Readonly<Record<Setting, Outcome>> };

type Counts = Partial<Omit<Outcome, 'kind' | 'spent'>>;
/** One order, one question for the schema, one look at the job, one charge, unless said otherwise. */
const ok = (counts: Counts = {}): Outcome => ({ kind: 'ok', orders: 1, schema: 1, reads: 1, charges: 1, ...counts });
const not = (kind: string, spent: 'no' | 'maybe', counts: Counts = {}): Outcome => ({ ...ok(counts), kind, spent });
const refused = (kind: string, counts: Counts = {}): Outcome => not(kind, 'no', { reads: 0, charges: 0, ...counts });
const unsupported = refused('unsupported_service');

/** Over before it is looked at a first time, so that one look is enough. */
const SHORT_MS = 400;
/** Finished as soon as it is ordered: an order that was lost comes back with its picture. */
const AT_ONCE: Partial<Play> = { jobDurationMs: 0 };
const foundAtOnce = (orders: number): Outcome => ok({ orders, reads: 0 });
/** An order that is left open is sent again by itself 10 s later. */
const BEFORE_RESENT: Partial<Play> = { waitSeconds: 9 };
/** Several polls come before the end, even where finding out how to poll takes seconds of the story's clock. */
const LONG: Partial<Play> = { jobDurationMs: 30_000 };

type Expected = Outcome | (Partial<Record<Setting, Outcome>> & { all: Outcome });

function of(scenarios: readonly ScenarioName[], expected: Expected, play: Partial<Play> = {}): Case {
  const { all, ...some } = 'all' in expected ? expected : { all: expected };
  const { rest = all, ...others } = some;
  // No schema speaks of REST: there it is asked for with the first look at a job.
  const byRest = rest.reads === 0 ? { ...rest, schema: 0 } : rest;
  const each = { generate: all, generateImage: all, rest: byRest, auto: all, ...others };
  return { scenarios, jobDurationMs: SHORT_MS, ...play, expected: each };
}

export const CASES: readonly Case[] = [
  of([], ok()),
  of(['rate-limited'], ok({ orders: 2 })),
  of(['rate-limited-silent'], ok({ orders: 2 })),
  of(['error-before-charge'], ok({ orders: 2 })),
  of(['error-after-charge'], foundAtOnce(2), AT_ONCE),
  of(['lost-reply'], foundAtOnce(2), AT_ONCE),
  of(['truncated-reply'], foundAtOnce(2), AT_ONCE),
  of(['proxy-html'], ok({ orders: 2, schema: 2, reads: 2 })),
  of(['errors-with-200'], ok()),
  of(['out-of-credits'], refused('no_credits')),
  // Two orders of 1024×1024: the first is paid.
  of(['low-credits'], refused('no_credits', { orders: 2, reads: 1, charges: 1 }), {
    orders: 2,
    sidePx: 1024,
  }),
  of(['slow'], ok({ reads: 'several' }), { jobDurationMs: 1_000 }),
  of(['moderated'], not('moderated', 'maybe')),
  of(['failing'], not('generation_failed', 'maybe')),
  of(['never-finishing'], { ...ok({ reads: 'several' }), kind: 'processing' }, { waitSeconds: 20 }),
  of(['unknown-status'], ok({ reads: 'several' }), LONG),
  of(['shouting-status'], ok({ reads: 'several' }), LONG),
  of(['expired-url'], ok({ reads: 2 })),
  of(['wrong-content-type'], ok()),
  of(['only-generate-image'], { all: ok(), generate: unsupported }),
  // The schema is asked for, and one query, before the job is read by REST.
  of(['only-rest'], {
    all: unsupported,
    rest: ok({ reads: 2 }),
    auto: ok({ orders: 2, reads: 2 }),
  }),
  of(['no-introspection'], ok()),
  of(['renamed-query'], ok()),
  of(['strict-input'], ok(), { webhooks: true }),
  of(['small-queries'], ok()),
  of(['webhooks'], ok(), { webhooks: true }),
  of(['webhooks-forged'], ok(), { webhooks: true }),
  of(['webhooks-late'], ok(), { webhooks: true }),
  of(['webhooks-twice'], ok(), { webhooks: true }),
  of(['rate-headers-iso'], ok()),
  of(['rate-headers-ms'], ok()),
  of(['rate-headers-delta'], ok()),
  of(['no-rate-headers'], ok()),
  of(['counts-fields'], ok()),
  of(['skewed-clock'], ok()),

  of(['errors-with-200', 'out-of-credits'], refused('no_credits')),
  of(['errors-with-200', 'rate-limited'], ok({ orders: 2 })),
  of(['errors-with-200', 'only-generate-image'], { all: ok(), generate: unsupported }),
  of(['rate-limited-silent', 'skewed-clock'], ok({ orders: 2 })),
  of(['lost-reply', 'rate-limited'], foundAtOnce(3), AT_ONCE),
  // What was lost is asked for again where it was ordered, and nowhere else.
  of(['only-generate-image', 'lost-reply'], { all: foundAtOnce(2), generate: unsupported }, AT_ONCE),
  of(['only-rest', 'lost-reply'], { all: unsupported, rest: foundAtOnce(2), auto: foundAtOnce(3) }, AT_ONCE),
  of(['strict-input', 'lost-reply'], foundAtOnce(2), AT_ONCE),
  of(
    ['only-generate-image', 'proxy-html'],
    {
      all: ok({ orders: 2, schema: 2, reads: 2 }),
      generate: not('ambiguous', 'maybe', { orders: 2, schema: 2, reads: 0, charges: 0 }),
    },
    BEFORE_RESENT,
  ),
  // The first try may have been carried out for all that is known: the order is never placed another way.
  of(
    ['no-introspection', 'only-generate-image', 'proxy-html'],
    {
      all: ok({ orders: 2, schema: 2, reads: 2 }),
      generate: not('ambiguous', 'maybe', { orders: 2, schema: 2, reads: 0, charges: 0 }),
      auto: not('ambiguous', 'maybe', { orders: 2, schema: 2, reads: 0, charges: 0 }),
    },
    BEFORE_RESENT,
  ),
  // The webhook's address is tried among the options of `generate`; REST takes what it does not know.
  of(
    ['no-introspection', 'strict-input'],
    { all: ok({ orders: 3 }), generateImage: ok({ orders: 2 }), rest: ok() },
    { webhooks: true },
  ),
  // Seven names are tried, then REST.
  of(['no-introspection', 'renamed-query'], ok({ reads: 8 })),
];
