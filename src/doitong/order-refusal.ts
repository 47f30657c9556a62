/** What is left to try when the service refuses an order: another encoding, another dialect, or nothing. */
import type { Answered } from './api-client.ts';
import { dialectOf, type GraphqlDialect } from './dialects.ts';
import { withoutUnknownFields } from './discovery.ts';
import { type Decision, type Fence, rowDecision } from './failures.ts';
import { type Encoding, encoded, fitToSchema, type Order, optionalPaths, withoutFields } from './order-encoding.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { pathsToLeaveOut, type UnfitNames, unfitNames } from './schema/unfit-input.ts';

export type Next =
  | { type: 'final'; decision: Decision }
  | { type: 'encoding'; encoding: Encoding }
  /** The dialect is not offered. `path`: nothing else is at this address either. */
  | { type: 'absent'; path: boolean };

export type RefusalDeps = {
  fence: Fence;
  readSchema: () => Promise<SchemaModel | undefined>;
  forgetSchema: () => void;
};

const PATH_ABSENT: readonly number[] = [404, 405];
/** Refused before anything was done: the order may be encoded differently and sent again. */
const NOTHING_EXECUTED: readonly Decision['row'][] = ['invalidRequest', 'notOffered'];
const OTHER_DIALECT = 'Ask the user to set DOITONG_DIALECT to another way to order, or to update flux-pro-mcp.';

/** Only refusals that executed nothing leave anything. @param reply has no job */
export async function nextAfter(order: Order, reply: Answered, deps: RefusalDeps): Promise<Next> {
  const dialect = dialectOf(order.dialect);
  const { problems, status, decision } = reply;
  if (PATH_ABSENT.includes(status) && problems === undefined && decision.row === 'notOffered') {
    return { type: 'absent', path: true };
  }
  const executedNothing = problems !== undefined || NOTHING_EXECUTED.includes(decision.row);
  if (dialect.kind === 'rest' || !executedNothing) return { type: 'final', decision };
  return (await nextBySchema(order, dialect, reply, deps)) ?? nextByMessages(order, dialect, reply, deps.fence);
}

/** The schema may have changed since the order was encoded; `undefined` when it says no more than it did then. */
async function nextBySchema(
  order: Order,
  dialect: GraphqlDialect,
  reply: Answered,
  { fence, readSchema, forgetSchema }: RefusalDeps,
): Promise<Next | undefined> {
  const schema = await readSchema();
  if (schema === undefined) return undefined;
  const fitting = fitToSchema(schema, dialect, order.encoding);
  if (fitting.type === 'absent') return { type: 'absent', path: false };
  if (fitting.type === 'unserved') return finalBecause(fitting, dialect, reply, fence);
  const { body } = encoded(dialect, order.content, fitting.encoding);
  if (JSON.stringify(body) !== JSON.stringify(order.body)) return fitting;
  if (reply.problems !== undefined) forgetSchema();
  return undefined;
}

function nextByMessages({ encoding, input }: Order, dialect: GraphqlDialect, reply: Answered, fence: Fence): Next {
  const { problems = [], envelope } = reply;
  const messages = envelope.errors.map(({ message }) => message);
  const refused = pathsToLeaveOut(messages, input, optionalPaths(dialect));
  if (refused !== undefined) return { type: 'encoding', encoding: withoutFields(dialect, encoding, refused) };
  const fields = dialect.fields.filter((field) => !encoding.unselected.includes(field));
  const left = withoutUnknownFields(fields, ['id'], dialect.rootField, problems);
  if (left !== undefined) {
    const unselected = dialect.fields.filter((field) => !left.includes(field));
    return { type: 'encoding', encoding: { ...encoding, unselected } };
  }
  const { rootField, inputType } = dialect;
  // No selected field goes by the name of a root field.
  const isAbsent = problems.some(
    (item) =>
      item.problem === 'no_mutations' ||
      (item.problem === 'unknown_field' && item.field === rootField) ||
      (item.problem === 'unknown_type' && item.type === (encoding.typeName ?? inputType)),
  );
  if (isAbsent) return { type: 'absent', path: false };
  return finalBecause(unfitNames(messages, input, optionalPaths(dialect)), dialect, reply, fence);
}

/** Nothing is left to try; names what does not fit, where that is known. */
function finalBecause({ missing, unknown }: UnfitNames, { name }: GraphqlDialect, reply: Answered, fence: Fence): Next {
  const { status, decision, problems } = reply;
  if (missing.length + unknown.length === 0) {
    const isDialect = problems !== undefined && decision.row === 'notOffered';
    const failure = { ...decision.failure, ...(isDialect ? { remedy: OTHER_DIALECT } : {}) };
    return { type: 'final', decision: { ...decision, failure } };
  }
  const pieces = [
    ...(missing.length === 0 ? [] : [`it requires ${fence(missing.join(', '))}, which this program does not know`]),
    ...(unknown.length === 0 ? [] : [`it does not take ${fence(unknown.join(', '))} as documented`]),
  ];
  const message = `The service's ${name} has changed: ${pieces.join('; ')}. Nothing was executed.`;
  return { type: 'final', decision: rowDecision('notOffered', 'submit', { status, message, remedy: OTHER_DIALECT }) };
}
