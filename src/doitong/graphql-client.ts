/** Sends one GraphQL document and hands back what the service made of it; drops fields that the service lacks. */
import type { Clock } from '../core/clock.ts';
import { type ValidationProblem, validationProblems, withoutUnknownFields } from './discovery.ts';
import { type Envelope, openEnvelope } from './envelope.ts';
import { answerVerdict, faultVerdict, type Purpose, type Quote, rowVerdict, type Verdict } from './failures.ts';
import { readRateHeaders } from './rate-headers.ts';
import type { ServiceKnowledge } from './service-knowledge.ts';
import type { Exchange, Transport } from './transport.ts';

export type Operation = {
  purpose: Purpose;
  document: string;
  variables?: Record<string, unknown>;
  idempotencyKey?: string;
  signal: AbortSignal;
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
    private readonly knowledge: ServiceKnowledge,
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

  private answered(exchange: Exchange & { outcome: 'answered' }, purpose: Purpose): Reply {
    const { status } = exchange;
    const at = this.clock.now();
    const told = readRateHeaders(exchange.headers, at);
    const envelope = openEnvelope(exchange.body);
    const problems = problemsOf(status, envelope);
    const verdict =
      problems === undefined
        ? answerVerdict(status, envelope, purpose, this.quote)
        : this.validationVerdict(status, envelope, problems, purpose);
    this.knowledge.noteHeaders(told, at);
    this.knowledge.noteBalance(verdict.failure.creditsAvailable, at);
    const toldDelayMs = envelope.job ? undefined : this.knowledge.noteRefusal(verdict, told, at);
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
