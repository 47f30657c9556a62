/** Sends one GraphQL document and hands back what the service made of it; drops fields that the service lacks. */
import type { Clock } from '../core/clock.ts';
import type { RequestGate } from '../core/gate.ts';
import { type ValidationProblem, validationProblems, withoutUnknownFields } from './discovery.ts';
import { type Envelope, openEnvelope } from './envelope.ts';
import { answerVerdict, faultVerdict, type Purpose, type Quote, rowVerdict, type Verdict } from './failures.ts';
import { awaitPermit } from './permit.ts';
import { readRateHeaders } from './rate-headers.ts';
import { toldByService, toldDelay } from './told.ts';
import type { Exchange, Transport } from './transport.ts';

export type Operation = {
  purpose: Purpose;
  document: string;
  variables?: Record<string, unknown>;
  idempotencyKey?: string;
  signal: AbortSignal;
  /** Called when the request has to wait for a permit until then (epoch milliseconds). */
  onWait?: ((until: number) => void) | undefined;
  /** Called when it may leave, before its first byte. */
  beforeSending?: () => Promise<void>;
};

/** An operation whose selected fields may be dropped; `selection` remembers which are left. */
export type SelectingOperation = Omit<Operation, 'document'> & {
  rootField: string;
  document: (fields: readonly string[]) => string;
  selection: { fields: readonly string[] };
  essential: readonly string[];
};

export type Reply =
  | {
      outcome: 'answered';
      status: number;
      envelope: Envelope;
      /** What is wrong with the document when nothing was executed; `undefined` in every other case. */
      problems: readonly ValidationProblem[] | undefined;
      /** What the answer means if the caller finds nothing of use in it. */
      verdict: Verdict;
      toldDelayMs: number | undefined;
    }
  | { outcome: 'unanswered'; verdict: Verdict };

const PATH = '/graphql';
const DEADLINE_MS: Readonly<Record<Purpose, number>> = { submit: 30_000, read: 10_000 };
/** Validation happens before execution, so that only these statuses go with it. */
const VALIDATION_STATUSES: readonly number[] = [200, 400, 422];

export class GraphqlClient {
  constructor(
    private readonly transport: Transport,
    private readonly gate: RequestGate,
    private readonly quote: Quote,
    private readonly clock: Clock,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** A validation error executed nothing: the document is repeated at once without the fields that it names. */
  async select(operation: SelectingOperation): Promise<Reply> {
    const { selection, essential, rootField, document, ...rest } = operation;
    for (;;) {
      const { fields } = selection;
      const reply = await this.send({ ...rest, document: document(fields) });
      if (reply.outcome === 'unanswered' || reply.problems === undefined) return reply;
      const left = withoutUnknownFields(fields, essential, rootField, reply.problems);
      if (left === undefined) return reply;
      selection.fields = left;
    }
  }

  async send(operation: Operation): Promise<Reply> {
    const { purpose, signal } = operation;
    const hindrance = await awaitPermit(this.gate, this.clock, operation);
    if (hindrance !== undefined) return { outcome: 'unanswered', verdict: hindrance };
    await operation.beforeSending?.();
    const exchange = await this.transport.exchange({
      path: PATH,
      body: JSON.stringify({ query: operation.document, variables: operation.variables }),
      headers: {
        ...this.headers,
        ...(operation.idempotencyKey === undefined ? {} : { 'idempotency-key': operation.idempotencyKey }),
      },
      deadlineMs: DEADLINE_MS[purpose],
      connection: purpose === 'submit' ? 'fresh' : 'kept',
      signal,
    });
    if (exchange.outcome === 'answered') return this.answered(exchange, purpose);
    return { outcome: 'unanswered', verdict: faultVerdict(exchange.outcome === 'ambiguous', exchange.fault, purpose) };
  }

  private async answered(exchange: Exchange & { outcome: 'answered' }, purpose: Purpose): Promise<Reply> {
    const { status } = exchange;
    const at = this.clock.now();
    const told = readRateHeaders(exchange.headers, at);
    const envelope = openEnvelope(exchange.body);
    const problems = problemsOf(status, envelope);
    const verdict =
      problems === undefined
        ? answerVerdict(status, envelope, purpose, this.quote)
        : this.validationVerdict(status, envelope, problems, purpose);
    const toldDelayMs = envelope.job ? undefined : toldDelay(verdict, told, at);
    await this.gate.learn(toldByService(verdict, told, toldDelayMs, at));
    return { outcome: 'answered', status, envelope, problems, verdict, toldDelayMs };
  }

  private validationVerdict(
    status: number,
    { errors }: Envelope,
    problems: readonly ValidationProblem[],
    purpose: Purpose,
  ): Verdict {
    const onlyVariables = problems.every(({ problem }) => problem === 'bad_variables');
    return rowVerdict(onlyVariables ? 'invalidRequest' : 'notOffered', purpose, { status, errors, quote: this.quote });
  }
}

function problemsOf(status: number, envelope: Envelope): ValidationProblem[] | undefined {
  if (envelope.data !== undefined || !VALIDATION_STATUSES.includes(status)) return undefined;
  return validationProblems(envelope.errors);
}
