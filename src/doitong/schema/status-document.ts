/** Writes the document that asks for the status of one or several jobs, and reads the answer into flat records. */
import type { ValidationProblem } from '../validation-errors.ts';
import { HEADERS_DOCUMENT } from '../documents.ts';
import { addressInJson, addressOf, entries, isRecord } from './address-in-json.ts';
import { isUrlName, wordsOf } from './name-words.ts';
import { readsSeveral, type StatusQuery } from './status-query.ts';

type RawJob = Record<string, unknown>;

const ONE = 'job';
const LIST = 'jobs';
/** Under which name the job that was asked for at this place is answered. */
export const aliasOf = (index: number): string => `j${index}`;

/**
 * One id is asked for under `job`, several under `j0`, `j1`, … or in one list under `jobs`. Ids come from outside: they
 * stand as string literals, which are valid for `ID` and `String` alike, where a variable would need the type; for an
 * argument that is known to be a number, as its digits.
 */
export function statusDocument(query: StatusQuery, ids: readonly string[]): string {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return HEADERS_DOCUMENT;
  const call = (name: string, some: readonly string[]): string =>
    `${name}: ${query.field}(${argumentsOf(query, some)}) { ${selection(query)} }`;
  if (asked.length === 1) return `query { ${call(ONE, asked)} }`;
  if (readsSeveral(query)) return `query { ${call(LIST, asked)} }`;
  return `query { ${asked.map((id, index) => call(aliasOf(index), [id])).join(' ')} }`;
}

/**
 * A record for each id that the answer covers, as `readWireJob` takes them; `null` when it says that there
 * is no such job. An id that is missing in the map was not answered for, because of errors next to the data.
 */
export function readStatusAnswer(
  query: StatusQuery,
  data: unknown,
  ids: readonly string[],
): Map<string, RawJob | null> {
  const asked = [...new Set(ids)];
  const found = new Map<string, RawJob | null>();
  asked.forEach((id, index) => {
    const value = answerFor(query, data, asked.length, index);
    if (value === undefined) return;
    const job = pick(query, inside(value, query.job).filter(isRecord), id, asked.length);
    found.set(id, job === undefined ? null : flat(query, job, id));
  });
  return found;
}

/**
 * The query without fields that the service does not have. `undefined` when that is no cure: it does not ask for such a
 * field, or cannot do without it.
 */
export function withoutFields(query: StatusQuery, names: readonly string[]): StatusQuery | undefined {
  const { id, status, creditCost, ...rest } = query;
  const keeps = (path: readonly string[] | undefined): boolean =>
    path !== undefined && !path.some((name) => names.includes(name));
  const asked = [query.job, ...pathsOf(query)].flat();
  if (names.length === 0 || !names.every((name) => asked.includes(name)) || !keeps(query.job)) return undefined;
  const urls = query.urls.filter(keeps);
  // An id tells apart what a list holds; a status cannot be guessed where there was one.
  if (urls.length === 0 || (status !== undefined && !keeps(status)) || (query.answersList && !keeps(id))) {
    return undefined;
  }
  return {
    ...rest,
    ...(id !== undefined && keeps(id) ? { id } : {}),
    ...(status === undefined ? {} : { status }),
    urls,
    ...(creditCost !== undefined && keeps(creditCost) ? { creditCost } : {}),
    reasons: query.reasons.filter(keeps),
    others: query.others.filter(keeps),
  };
}

/** The query that the service may take, after it refused this one; `undefined` when there is no cure. */
export function curedQuery(query: StatusQuery, problems: readonly ValidationProblem[]): StatusQuery | undefined {
  if (problems.every(({ problem }) => problem === 'wants_number')) {
    return query.takesNumber === true ? undefined : { ...query, takesNumber: true };
  }
  const unknown = problems.flatMap((item) => ('field' in item ? [item.field] : []));
  return unknown.length === problems.length ? withoutFields(query, unknown) : undefined;
}

function argumentsOf(query: StatusQuery, ids: readonly string[]): string {
  const { argument, takesList, takesNumber, sizeArgument } = query;
  const [outer, ...inner] = argument;
  const literals = ids.map((id) => (takesNumber === true && WHOLE_NUMBER.test(id) ? id : literal(id)));
  const value = takesList ? `[${literals.join(', ')}]` : literals.join('');
  const nested = inner.reduceRight((text, name) => `{${name}: ${text}}`, value);
  const size = sizeArgument === undefined ? '' : `, ${sizeArgument}: ${ids.length}`;
  return `${outer}: ${nested}${size}`;
}

/** As both JSON and GraphQL write it; an id like `007` is none. */
const WHOLE_NUMBER = /^(?:0|-?[1-9]\d{0,199})$/u;

/** JSON's escapes are GraphQL's, but for half a character, which GraphQL has no way to write. */
function literal(id: string): string {
  return JSON.stringify(id.replace(/\p{Cs}/gu, '\uFFFD'));
}

function pathsOf({ id, status, urls, creditCost, reasons, others }: StatusQuery): string[][] {
  return [id, status, ...urls, creditCost, ...reasons, ...others].flatMap((path) => (path === undefined ? [] : [path]));
}

/** Paths that share their beginning share the selection. */
type Selection = Map<string, Selection>;

function selection(query: StatusQuery): string {
  const root: Selection = new Map();
  for (const path of pathsOf(query)) {
    let at = root;
    for (const name of [...query.job, ...path]) {
      const next: Selection = at.get(name) ?? new Map();
      at.set(name, next);
      at = next;
    }
  }
  return printed(root);
}

function printed(fields: Selection): string {
  return [...fields].map(([name, inner]) => (inner.size === 0 ? name : `${name} { ${printed(inner)} }`)).join(' ');
}

function own(record: RawJob, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** What the service said to the question for this id; `undefined` when it said nothing. */
function answerFor(query: StatusQuery, data: unknown, count: number, index: number): unknown {
  if (!isRecord(data)) return undefined;
  if (count > 1) {
    const value = own(data, readsSeveral(query) ? LIST : aliasOf(index));
    // A list that is missing as a whole says nothing of any one in it.
    return readsSeveral(query) && value === null ? undefined : value;
  }
  // Some services answer under a name of their own.
  const [only, ...more] = Object.values(data);
  const value = Object.hasOwn(data, ONE) ? data[ONE] : more.length === 0 ? only : undefined;
  return value === null && query.answersList ? undefined : value;
}

/** Every value at the end of the path, through all lists on the way. */
function inside(value: unknown, path: readonly string[]): unknown[] {
  let values = entries([value]);
  for (const name of path) {
    values = entries(values.map((item) => (isRecord(item) ? own(item, name) : undefined)));
  }
  return values;
}

function pick(query: StatusQuery, jobs: readonly RawJob[], id: string, asked: number): RawJob | undefined {
  const same = jobs.find((job) => idIn(query, job)?.toString() === id);
  if (same !== undefined) return same;
  const [first, second] = jobs;
  // Where a single job is answered it is the one asked for, whatever id it goes by; in a list it has to be found.
  if (second !== undefined || first === undefined) return undefined;
  if (!query.answersList) return first;
  return asked === 1 && idIn(query, first) === undefined ? first : undefined;
}

function idIn(query: StatusQuery, job: RawJob): string | number | undefined {
  const id = query.id === undefined ? undefined : inside(job, query.id)[0];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function flat(query: StatusQuery, job: RawJob, id: string): RawJob {
  const first = (path: readonly string[] | undefined): unknown =>
    path === undefined ? undefined : inside(job, path)[0];
  const reported: [string, unknown][] = [
    ['id', idIn(query, job) ?? id],
    ['status', first(query.status)],
    // What was not asked for by its path may still have come: a service need not keep to the selection.
    ['url', urlIn(query, job) ?? addressInJson(job)],
    ['creditCost', first(query.creditCost)],
    ['error', reasonIn(query, job)],
    ...query.others.map((path): [string, unknown] => [path.at(-1) ?? '', first(path)]),
  ];
  return Object.fromEntries(reported.filter(([, value]) => value !== undefined));
}

function reasonIn(query: StatusQuery, job: RawJob): unknown {
  return query.reasons
    .flatMap((path) => inside(job, path))
    .find((reason) => isRecord(reason) || (typeof reason === 'string' && reason.trim() !== ''));
}

function urlIn(query: StatusQuery, job: RawJob): string | undefined {
  for (const path of query.urls) {
    const named = isUrlName(wordsOf(path.at(-1) ?? ''));
    for (const value of inside(job, path)) {
      const url = isRecord(value) ? addressInJson(value) : addressOf(value, named);
      if (url !== undefined) return url;
    }
  }
  return undefined;
}
