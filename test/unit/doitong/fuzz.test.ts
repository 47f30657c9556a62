/** Proves that no answer whatsoever makes an exception escape, or brings the user's key into a text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { Reading, RemoteJob } from '../../../src/core/image-provider.ts';
import { createRedactor } from '../../../src/core/redaction.ts';
import { cleanWithout } from '../../../src/core/untrusted-text.ts';
import type { Exchange } from '../../../src/doitong/api-client.ts';
import { DOCUMENTED_ENCODING, dialectOf, type GraphqlDialect, MUTATIONS } from '../../../src/doitong/dialects.ts';
import { fitToProblems, fitToSchema } from '../../../src/doitong/encoding-fit.ts';
import { type Envelope, openEnvelope, openRestEnvelope } from '../../../src/doitong/envelope.ts';
import { answerDecision, faultDecision, rowDecision } from '../../../src/doitong/failures.ts';
import { rateReportOf, readRateHeaders, reportedDelay } from '../../../src/doitong/rate-headers.ts';
import { readSchema } from '../../../src/doitong/schema/introspection.ts';
import { readStatusAnswer, statusDocument } from '../../../src/doitong/schema/status-document.ts';
import { findStatusQueries, plainQuery } from '../../../src/doitong/schema/status-query.ts';
import { validationProblems } from '../../../src/doitong/validation-errors.ts';
import { failureOfAllTries } from '../../../src/jobs/submission.ts';
import { failureSentences, nextStep, nextStepForJob } from '../../../src/mcp/failure-text.ts';
import { answered, createFakeWire } from './fake-wire.ts';
import { anyBody, anyHeaders, anyStatus } from './fuzz-answers.ts';
import { KEY, REQUEST } from './scripted-service.ts';

/** The long form is a step of `.ci/long`. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 2_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`${RUNS} runs, FUZZ_SEED=${SEED}`);

const DAY_MS = 24 * 60 * 60_000;
const NOW = 1_800_000_000_000;
const redact = createRedactor([KEY]);
const never = new AbortController().signal;
const ORDER = { ...REQUEST, version: 'flux-pro', quality: 'high' } as const;
const QUERIES = [plainQuery('job', 'id'), { ...plainQuery('jobs', 'ids'), takesNumber: true as const }];
const generate = dialectOf('generate') as GraphqlDialect;

/** All that a model, a person or the log reads of a failure. */
function textsOf(failure: Failure): string[] {
  const jobs = (['queued', 'submitting', 'processing', 'failed', 'unknown'] as const).map((state) =>
    nextStepForJob(failure, { id: 'job_1', state }),
  );
  return [JSON.stringify(failure), failureSentences(failure), nextStep(failure), ...jobs];
}

function expectClean(texts: readonly string[]): void {
  const all = texts.join('\n');
  // An assertion for each text of so many answers would take longer than all the rest.
  for (const written of [KEY, encodeURIComponent(KEY), KEY.slice(0, 16)]) {
    if (all.includes(written)) expect(texts.filter((text) => text.includes(written))).toEqual([]);
  }
}

function readEnvelope(status: number, envelope: Envelope, headers: Record<string, string>): string[] {
  const { errors } = envelope;
  const fitting = fitToProblems(generate, DOCUMENTED_ENCODING, validationProblems(errors) ?? []);
  const texts =
    fitting.type === 'unserved' ? [cleanWithout(redact, [...fitting.missing, ...fitting.unknown].join())] : [];

  const reported = readRateHeaders(headers, NOW);
  expect(Object.values(reported).every(Number.isFinite)).toBe(true);
  expect(reported.retryAfterMs ?? 0).toBeGreaterThanOrEqual(0);
  const decisions = (['submit', 'read'] as const).flatMap((purpose) => [
    answerDecision(status, errors, purpose),
    rowDecision('notOffered', purpose, { status, errors }),
    faultDecision(true, { cause: 'network', code: 'ECONNRESET' }, purpose),
  ]);
  for (const decision of decisions) {
    const delayMs = reportedDelay(decision, reported, NOW);
    const news = JSON.stringify(rateReportOf(decision, reported, delayMs, NOW));
    if ((delayMs ?? 0) > DAY_MS || news.includes('null')) expect([delayMs, news]).toBe('figures');
    texts.push(...textsOf(decision.failure));
  }
  const failures = decisions.map(({ failure }) => failure);
  const [last] = failures.splice(-1);
  if (last !== undefined) texts.push(...textsOf(failureOfAllTries(failures, last)));
  return texts;
}

const { parser, lines } = createFakeWire(() => answered(200, {}));

function readJobs(envelope: Envelope): string[] {
  lines.length = 0;
  const jobs = [parser.take(envelope), parser.take(envelope, 'job-1')];
  for (const query of QUERIES) {
    for (const ids of [['job-1'], ['job-1', 'j"2']]) {
      statusDocument(query, ids);
      for (const [id, job] of readStatusAnswer(envelope.data, ids)) jobs.push(parser.take({ ...envelope, job }, id));
    }
  }
  return [...lines, ...jobs.flatMap((job) => (job === undefined ? [] : textsOfJob(job)))];
}

function textsOfJob({ remoteStatus, failure }: RemoteJob): string[] {
  return [remoteStatus, ...(failure === undefined ? [] : textsOf(failure))];
}

function textsOfReadings(readings: ReadonlyMap<string, Reading>): string[] {
  return [...readings.values()].flatMap((reading) =>
    'job' in reading ? textsOfJob(reading.job) : textsOf(reading.failure),
  );
}

function readAsSchema(data: unknown): void {
  const schema = readSchema(data);
  if (schema === undefined) return;
  for (const query of findStatusQueries(schema, MUTATIONS)) statusDocument(query, ['a', 'b']);
  fitToSchema(schema, generate, DOCUMENTED_ENCODING);
}

describe('arbitrary answers', () => {
  it('are read by every parser without an exception, and leave no secret in a text', () => {
    fc.assert(
      fc.property(anyStatus, anyBody, anyHeaders, (status, body, headers) => {
        for (const envelope of [openEnvelope(body, redact), openRestEnvelope(status, body, redact)]) {
          expectClean([...readEnvelope(status, envelope, headers), ...readJobs(envelope)]);
          readAsSchema(envelope.data);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it('in a row never break an order or a reading, which end as a job or as a failure', async () => {
    const exchange = fc.oneof(
      { arbitrary: fc.tuple(anyStatus, anyBody, anyHeaders).map(([...all]) => answered(...all)), weight: 6 },
      { arbitrary: fc.constantFrom<Exchange>(...faults), weight: 1 },
    );
    const services = fc.array(exchange, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(services, async (answers) => {
        let met = 0;
        const wire = createFakeWire(() => answers[met++ % answers.length] ?? answered(200, {}));
        const ordered = await wire.submit(ORDER, 'key-1').catch((error: unknown) => error);
        const texts = ordered instanceof FluxError ? textsOf(ordered.failure) : [JSON.stringify(ordered)];
        if (ordered instanceof Error) expect(ordered).toBeInstanceOf(FluxError);
        texts.push(...textsOfReadings(await wire.reader.readMany(['job-1'], never)));
        expectClean([...texts, ...wire.lines]);
        expect(wire.sent.length).toBeLessThan(200);
      }),
      { numRuns: RUNS / 10, seed: SEED },
    );
  });
});

it('whatever is answered to a read of several jobs, each of them has a reading, and none shows a secret', async () => {
  const exchange = fc.oneof(
    { arbitrary: fc.tuple(anyStatus, anyBody, anyHeaders).map(([...all]) => answered(...all)), weight: 6 },
    { arbitrary: fc.constantFrom<Exchange>(...faults), weight: 1 },
  );
  const ids = ['job-1', 'j"2', 'three', '4'];
  await fc.assert(
    fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 8 }), async (answers) => {
      let met = 0;
      const wire = createFakeWire(() => answers[met++ % answers.length] ?? answered(200, {}), {
        jobQuery: { field: 'job', argument: 'id' },
      });
      const read = await wire.reader.readMany(ids, never);
      expect([...read.keys()].sort()).toEqual([...ids].sort());
      expectClean([...textsOfReadings(read), ...wire.lines]);
      expect(wire.sent.length).toBeLessThan(100);
    }),
    { numRuns: RUNS / 10, seed: SEED },
  );
});

const faults: Exchange[] = [
  { outcome: 'ambiguous', fault: { cause: 'network', code: 'UND_ERR_SOCKET' } },
  { outcome: 'not_sent', fault: { cause: 'deadline' } },
  { outcome: 'answered', status: 200, headers: {}, body: undefined },
];
