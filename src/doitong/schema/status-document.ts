/** Writes the document that asks for the status of one or several jobs, and takes the jobs out of the answer. */
import { answerUnder } from '../envelope.ts';
import { entries } from '../picture-address.ts';
import type { ValidationProblem } from '../validation-errors.ts';
import { type Fields, isRecord } from '../wire-values.ts';
import type { StatusQuery } from './status-query.ts';

export const aliasOf = (index: number, count: number): string => (count === 1 ? 'job' : `j${index}`);

/**
 * Ids come from outside: they stand as string literals, which are valid for `ID` and `String` alike, where a variable
 * would need the type; for an argument that is known to be a number, as its digits.
 */
export function statusDocument(query: StatusQuery, ids: readonly string[]): string {
  const { field, argument, selected } = query;
  const [outer = '', ...inner] = argument;
  const fields = selected
    .map(({ path, as }) => (as === undefined || as === path[0] ? nested(path) : `${as}: ${nested(path)}`))
    .join(' ');
  const calls = ids.map((id, index) => {
    const value = inner.reduceRight((text, name) => `{${name}: ${text}}`, literal(query, id));
    return `${aliasOf(index, ids.length)}: ${field}(${outer}: ${value}) { ${fields} }`;
  });
  return `query { ${calls.join(' ')} }`;
}

const nested = (path: readonly string[]): string => path.join(' { ') + ' }'.repeat(path.length - 1);

/** JSON's escapes are GraphQL's. Half a surrogate pair is no character: no document may hold one. */
function literal({ takesNumber }: StatusQuery, id: string): string {
  return takesNumber === true && /^-?\d+$/u.test(id) ? id : JSON.stringify(id.replace(/\p{Cs}/gu, '\uFFFD'));
}

/**
 * The job for each id that the answer covers; `null` when it says that there is no such job. An id that is missing in the
 * map was not answered for.
 */
export function readStatusAnswer(data: unknown, ids: readonly string[]): Map<string, Fields | null> {
  const found = new Map<string, Fields | null>();
  if (!isRecord(data)) return found;
  for (const [index, id] of ids.entries()) {
    const alias = aliasOf(index, ids.length);
    const value = ids.length === 1 ? answerUnder(alias, data) : data[alias];
    if (value !== undefined) found.set(id, jobOf(id, value));
  }
  return found;
}

function jobOf(id: string, value: unknown): Fields | null {
  const jobs = entries([value]).filter(isRecord);
  const same = jobs.find((job) => job.id === id || (typeof job.id === 'number' && String(job.id) === id));
  const [first = null, second] = jobs;
  // A single job is the one that was asked for, whatever id it goes by; in a list it has to be found.
  const isSole = second === undefined && (!Array.isArray(value) || first?.id === undefined);
  return same ?? (isSole ? first : null);
}

/** The query that the service may take, after it refused this one; `undefined` when there is no cure. */
export function curedQuery(query: StatusQuery, problems: readonly ValidationProblem[]): StatusQuery | undefined {
  if (problems.every(({ problem }) => problem === 'wants_number')) {
    return query.takesNumber === true ? undefined : { ...query, takesNumber: true };
  }
  const unknown = problems.flatMap((item) => ('field' in item ? [item.field] : []));
  return unknown.length === problems.length ? withoutFields(query, unknown) : undefined;
}

/** The query without these fields; `undefined` when it does not ask for one of them, or cannot do without it. */
export function withoutFields(query: StatusQuery, names: readonly string[]): StatusQuery | undefined {
  const asked = query.selected.flatMap(({ path }) => path);
  const selected = query.selected.filter(({ path }) => !path.some((name) => names.includes(name)));
  const isEnough =
    selected.some(({ as }) => as === undefined) &&
    // A status cannot be guessed where there was one.
    selected.some(({ as }) => as === 'status') === query.selected.some(({ as }) => as === 'status');
  const isCure = names.length > 0 && names.every((name) => asked.includes(name));
  return isCure && isEnough ? { ...query, selected } : undefined;
}
