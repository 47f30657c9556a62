/** Proves what single checks of `doctor` make of what they are given: versions, records, budgets, findings. */
import { describe, expect, it } from 'vitest';
import { checkLine, checksJson, summaryLine } from '../../../src/cli/doctor.ts';
import { budgetChecks, recordsCheck, webhookCheck } from '../../../src/cli/doctor-machine.ts';
import { orderingCheck, readingCheck, serviceChecks } from '../../../src/cli/doctor-service.ts';
import type { Check } from '../../../src/cli/remedies.ts';
import type { Failure } from '../../../src/core/failure.ts';
import type { LimitsState } from '../../../src/limits/limits.ts';
import { limitsReport } from '../../../src/limits/limits-report.ts';
import { emptyRateState, REQUEST_WINDOW } from '../../../src/limits/rate-state.ts';
import { emptyReservations, utcDay } from '../../../src/limits/reservations.ts';
import { defaultConfig } from '../../support/default-config.ts';
import { CREATED_AT as NOW, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const named = (checks: readonly Check[], name: string): Check | undefined => checks.find(({ check }) => check === name);

describe('lines', () => {
  it('need no colour, hold no secret and no second line', () => {
    const check: Check = { check: 'key', status: 'fail', found: 'sesame\nopen\u001b[31m', remedy: 'say sesame' };
    const redact = (text: string): string => text.replaceAll('sesame', '[redacted]');
    expect(checkLine(check, redact)).toBe('FAIL  key             [redacted] open [31m → say [redacted]');
    expect(JSON.parse(checksJson([check], redact))).toEqual([
      { check: 'key', status: 'fail', found: '[redacted]\nopen\u001b[31m', remedy: 'say [redacted]' },
    ]);
  });

  it('end with what they mean together', () => {
    const of = (...list: Check['status'][]): Check[] => list.map((status) => ({ check: 'a', status, found: 'b' }));
    expect(summaryLine(of('ok', 'warn'))).toMatch(/^Ready: .* 1 warning\.$/u);
    expect(summaryLine(of('fail', 'warn', 'warn', 'fail'))).toBe('Not ready: 2 checks failed. 2 warnings.');
  });
});

describe('records', () => {
  const STALLED_AFTER = 15 * 60_000;
  const check = (jobs: Parameters<typeof recordsCheck>[0], damaged = 0): Check =>
    recordsCheck(jobs, { folder: '/s/damaged', count: damaged }, NOW);

  it('a job that is under way is as it should be', () => {
    expect(check([sampleJob({ state: 'processing' })])).toEqual({
      check: 'records',
      status: 'ok',
      found: '1 unfinished job',
    });
  });

  it.each([
    [
      [sampleJob({ state: 'processing', createdAt: NOW - STALLED_AFTER })],
      0,
      '1 unfinished job, 1 of them stalled',
      'jobs resume',
    ],
    [
      [sampleJob({ state: 'unknown', createdAt: NOW - STALLED_AFTER })],
      0,
      '0 unfinished jobs, 1 of unknown outcome',
      'paid for',
    ],
    [[], 2, '2 damaged set aside in /s/damaged', 'damaged records'],
  ])('%#: what needs a person is told', (jobs, damaged, found, remedy) => {
    expect(check(jobs, damaged)).toMatchObject({
      status: 'warn',
      found: expect.stringContaining(found),
      remedy: expect.stringContaining(remedy),
    });
  });
});

describe('budget', () => {
  const BUDGET = {
    maxCreditsPerCall: 500,
    maxCreditsPerDay: 1_000,
    maxImagesPerDay: 100,
    confirmAboveCredits: 100,
    lowCreditsAlert: 100,
  };
  const state = (patch: Partial<LimitsState> = {}): LimitsState => ({
    plan: 'free',
    planKnown: false,
    rateState: emptyRateState(NOW),
    reads: { left: null, perWindow: null, refillMs: 0 },
    reservations: emptyReservations(NOW),
    requestLimit: 10,
    counting: REQUEST_WINDOW,
    ...patch,
  });
  const spent = (images: number, credits: number): Partial<LimitsState> => ({
    reservations: { ...emptyReservations(NOW), days: { [utcDay(NOW)]: { images, credits } } },
  });

  it.each<[string, Partial<LimitsState>, string, Check['status'], RegExp]>([
    ['nothing spent', {}, 'budget', 'ok', /^1000 of 1000 credits left/u],
    ['all spent', spent(50, 990), 'budget', 'fail', /^10 of 1000 credits left.*may cost 20$/u],
    ['all pictures made', spent(100, 500), 'budget', 'fail', /0 of 100 pictures/u],
    [
      'a known balance',
      { rateState: { ...emptyRateState(NOW), balance: { credits: 500, at: NOW } } },
      'balance',
      'ok',
      /500/u,
    ],
    [
      'a balance of 5',
      { rateState: { ...emptyRateState(NOW), balance: { credits: 5, at: NOW } } },
      'balance',
      'warn',
      /^5 credits at Doitong, as last reported$/u,
    ],
  ])('%s', (_, patch, name, status, found) => {
    const check = named(budgetChecks(limitsReport(state(patch), BUDGET, NOW), 500), name);
    expect(check).toMatchObject({ status, found: expect.stringMatching(found) });
    expect(check?.remedy === undefined).toBe(status === 'ok');
  });

  it("the plan's day is a limit, too", () => {
    const used = state({ plan: 'free', ...spent(100, 0) });
    const [budget] = budgetChecks(limitsReport(used, { ...BUDGET, maxImagesPerDay: 1_000 }, NOW), 500);
    expect(budget).toMatchObject({ status: 'fail', remedy: expect.stringContaining('DOITONG_PLAN') });
  });
});

describe('the service', () => {
  const failure = (patch: Partial<Failure> = {}): Failure => sampleFailure({ creditsSpent: 'no', ...patch });
  const reached = { reached: true, tookMs: 12.4, limits: {} } as const;
  const settings = { apiUrl: 'https://api.doitong.com', plan: 'auto' } as const;

  it.each<[Partial<Failure>, Check['status'], RegExp]>([
    [{ kind: 'unreachable' }, 'fail', /DOITONG_API_URL/u],
    [{ kind: 'service_error' }, 'fail', /status of the Doitong service/u],
    [{ kind: 'unsupported_service' }, 'fail', /^Check that DOITONG/u],
    [{ kind: 'rate_limited', retryAfterSeconds: 30 }, 'warn', /^Wait 30 s,/u],
  ])('that is not reached says why, and nothing else: %j', (patch, status, remedy) => {
    const found = 'https://api.doitong.com: The service failed.';
    const checks = serviceChecks({ reached: false, failure: failure(patch) }, settings);
    expect(checks).toEqual([{ check: 'service', status, found, remedy: expect.stringMatching(remedy) }]);
  });

  it.each([
    [undefined, 'ok', /sends no time/u],
    [0, 'ok', /the same/u],
    [-45_000, 'ok', /45 s behind this one; times are corrected/u],
    [-180_000, 'warn', /3 min behind/u],
  ])('a clock that is ahead by %s ms: %s', (clockAheadMs, status, found) => {
    const checks = serviceChecks({ ...reached, ...(clockAheadMs === undefined ? {} : { clockAheadMs }) }, settings);
    expect(named(checks, 'clock')).toMatchObject({ status, found: expect.stringMatching(found) });
  });

  it('that ignores idempotency keys is warned of, with what sends an open order again', () => {
    expect(named(serviceChecks({ ...reached, keysIgnored: true }, settings), 'idempotency')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('two jobs from one order'),
      remedy: expect.stringContaining('jobs resume'),
    });
    expect(named(serviceChecks(reached, settings), 'idempotency')).toBeUndefined();
  });
});

describe('orders and jobs', () => {
  it('what an order would have to say and cannot is named', () => {
    const changed = { type: 'unserved', dialect: 'generate', missing: ['projectId'], unknown: ['provider'] } as const;
    expect(orderingCheck(changed)).toEqual({
      check: 'dialect',
      status: 'fail',
      found:
        'generate has changed: it requires projectId, which this program does not know; it does not take provider as documented',
      remedy: 'Set DOITONG_DIALECT to another way to order, or update flux-pro-mcp.',
    });
  });

  it('an address without anything at it is told as such', () => {
    expect(orderingCheck({ type: 'absent', dialects: ['/graphql', '/v1/text_to_image'] })).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('DOITONG_API_URL'),
    });
  });

  it('a job query that is not settled or not there says why, and how to set it', () => {
    const failure = sampleFailure({ reason: { code: 'worded', what: 'It was busy.' } });
    const remedy = expect.stringContaining('DOITONG_JOB_QUERY');
    expect(readingCheck({ type: 'open', failure })).toMatchObject({
      status: 'warn',
      found: 'not settled: It was busy.',
      remedy,
    });
    expect(readingCheck({ type: 'open' })).toMatchObject({ status: 'warn', found: 'not settled', remedy });
    expect(readingCheck({ type: 'none', failure })).toMatchObject({ status: 'fail', remedy });
  });
});

describe('webhooks', () => {
  const whole = {
    ...defaultConfig(),
    webhookUrl: 'https://me.example/hook?token=hook-token',
    webhookSecret: 'a secret',
    webhookListen: { host: '127.0.0.1', port: 40_404 },
  };

  it.each([
    [defaultConfig(), 'ok', /polled/u],
    [{ ...defaultConfig(), webhookSecret: 'a secret' }, 'warn', /only some of the webhook settings/u],
    [{ ...whole, webhookSecret: undefined }, 'warn', /only some of the webhook settings/u],
    [{ ...whole, webhookListen: undefined }, 'warn', /only some of the webhook settings/u],
    [whole, 'ok', /from the first order on/u],
  ])('%#: %j', (given, status, found) => {
    const check = webhookCheck(given);
    expect(check).toMatchObject({ status, found: expect.stringMatching(found) });
    expect(JSON.stringify(check)).not.toMatch(/hook-token|a secret"/u);
  });
});
