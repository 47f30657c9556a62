/** Picks the queries for the status of a job from a service's schema, best first. */
import * as z from 'zod';
import { isGraphqlName } from '../documents.ts';
import { type IdArgument, idArgument } from './id-argument.ts';
import { type FieldModel, fieldsOf, type SchemaModel } from './introspection.ts';
import { type Budget, createJobFields, type JobFieldsByType, type JobLocation } from './job-fields.ts';
import {
  anyOf,
  IMAGE_WORDS,
  isOwned,
  isWrapperName,
  JOB_WORDS,
  OTHER_WORDS,
  STATUS_WORDS,
  VAGUE_JOB_WORDS,
  wordsOf,
} from './name-words.ts';

const PATH_MAX = 8;
const name = z.string().max(120).refine(isGraphqlName);
const path = z.array(name).min(1).max(PATH_MAX);

/** Plain data, because it is remembered on disk: what is read from there must pass this before it is asked. */
export const statusQuerySchema = z.strictObject({
  field: name,
  /** The argument, then the input fields that lead to the id. */
  argument: path,
  /** Whether the id stands in a list of ids. */
  takesList: z.boolean(),
  /** Whether the argument is a number: then an id that is one is written without quotation marks. */
  takesNumber: z.literal(true).optional(),
  /** An argument that says how many are listed at most, so that no default cuts the answer. */
  sizeArgument: name.optional(),
  /** From the root field's answer to the job; empty when the answer is the job. */
  job: z.array(name).max(PATH_MAX),
  /** Whether the answer is a list, in which a job is found by its id. */
  answersList: z.boolean(),
  // The rest are paths from the job.
  id: path.optional(),
  status: path.optional(),
  /** Best first. */
  urls: z.array(path).min(1).max(5),
  creditCost: path.optional(),
  /** Where a reason for a failure may stand, best first. */
  reasons: z.array(path).max(5),
  /** What is handed on under its own name, for example `metadata`. */
  others: z.array(path).max(5),
});
export type StatusQuery = z.infer<typeof statusQuerySchema>;

const FOUND_MAX = 10;
const STEPS_MAX = 300_000;
/** The documented orders, when nobody says which one is used. */
const SUBMIT_FIELDS = ['generate', 'generateImage'];
const SIZE_ARGUMENT = /^(?:first|limit|take|(?:page|per)_?(?:size|page))$/iu;

/** The query with the documented fields, for a name that is configured or guessed. Both names must be GraphQL names. */
export function plainQuery(field: string, argument: string): StatusQuery {
  return {
    field,
    argument: [argument],
    takesList: false,
    job: [],
    answersList: false,
    id: ['id'],
    status: ['status'],
    urls: [['url']],
    creditCost: ['creditCost'],
    reasons: [],
    others: [['createdAt'], ['metadata']],
  };
}

/** Whether one query of this kind answers for several jobs. */
export function readsSeveral(query: StatusQuery): boolean {
  return query.takesList && query.answersList;
}

/** What fits, best first, the same for the same schema. `submitField` is the mutation by which orders are placed. */
export function findStatusQueries(schema: SchemaModel, options: { submitField?: string } = {}): StatusQuery[] {
  const budget: Budget = { steps: STEPS_MAX };
  const fieldsByType = createJobFields(schema, budget);
  const submitFields = options.submitField === undefined ? SUBMIT_FIELDS : [options.submitField];
  const context = { schema, budget, fieldsByType, orders: ordersOf(schema, fieldsByType, submitFields) };
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  // What speaks of jobs is looked at first, so that the budget of a huge schema is not spent on the rest.
  const roots = fieldsOf(schema, schema.queryType)
    .map((field) => ({ field, name: field.name, speech: speechCost(wordsOf(field.name), []) ?? SILENT }))
    .sort((a, b) => a.speech - b.speech || byName(a, b));
  return roots
    .flatMap(({ field }) => candidate(field, context) ?? [])
    .sort((a, b) => a.cost - b.cost || byName(a, b))
    .slice(0, FOUND_MAX)
    .map(({ query }) => query);
}

type Context = { schema: SchemaModel; budget: Budget; fieldsByType: JobFieldsByType; orders: Orders };
type Candidate = { query: StatusQuery; name: string; cost: number };

function candidate(field: FieldModel, { schema, budget, fieldsByType, orders }: Context): Candidate | undefined {
  const listed = field.type.lists > 0;
  const anyArgument = idArgument(schema, field, listed, budget);
  if (anyArgument === undefined) return undefined;
  const location = fieldsByType.locationIn(field.type);
  // Without an id nobody can say whose entry of a list it is.
  if (location === undefined || (location.isList && location.fields.ids.length === 0)) return undefined;
  const cost = costOf(field, location, orders);
  if (cost === undefined) return undefined;
  // That a connection is a list is known only by now.
  const argument =
    location.isList === listed ? anyArgument : (idArgument(schema, field, location.isList, budget) ?? anyArgument);
  return { query: queryOf(field, argument, location), name: field.name, cost: cost + argument.cost };
}

function queryOf(field: FieldModel, argument: IdArgument, { path: job, isList, fields }: JobLocation): StatusQuery {
  const { ids, status, urls, creditCost, reasons, metadata } = fields;
  // What a service calls its argument it means by the field of the same name as well.
  const id = ids.find((path) => path[0] === argument.path.at(-1)) ?? ids[0];
  const size = field.args.find(
    (arg) => SIZE_ARGUMENT.test(arg.name) && arg.type.name === 'Int' && arg.type.lists === 0,
  );
  return {
    field: field.name,
    argument: argument.path,
    takesList: argument.takesList,
    ...(argument.takesNumber ? { takesNumber: true } : {}),
    ...(isList && argument.takesList && size !== undefined ? { sizeArgument: size.name } : {}),
    job,
    answersList: isList,
    ...(id === undefined ? {} : { id }),
    ...(status === undefined ? {} : { status }),
    urls,
    ...(creditCost === undefined ? {} : { creditCost }),
    reasons,
    others: metadata === undefined ? [] : [metadata],
  };
}

/** The types that orders answer with: themselves, and the jobs inside their payloads. */
type Orders = { answered: ReadonlySet<string>; inside: ReadonlySet<string>; words: ReadonlySet<string> };

function ordersOf(schema: SchemaModel, fieldsByType: JobFieldsByType, submitFields: readonly string[]): Orders {
  const answered = fieldsOf(schema, schema.mutationType)
    .filter((field) => submitFields.includes(field.name))
    .map(({ type }) => type.name);
  const inside = (typeName: string, depth: number): string[] =>
    fieldsOf(schema, typeName).flatMap(({ name: inner, type }) => {
      if (type.kind !== 'OBJECT' && type.kind !== 'INTERFACE') return [];
      const { ids, status, urls } = fieldsByType.of(type.name);
      if (ids.length > 0 && (status !== undefined || urls.length > 0)) return [type.name];
      return depth > 0 && isWrapperName(wordsOf(inner)) ? inside(type.name, depth - 1) : [];
    });
  const jobs = new Set(answered.flatMap((type) => inside(type, 1)));
  // One job in a payload is what was ordered; several things in it are not all jobs.
  const ordered = [...answered, ...(jobs.size === 1 ? jobs : [])];
  return { answered: new Set(answered), inside: jobs, words: new Set(ordered.flatMap(wordsOf)) };
}

const UNRELATED = 300;
const TELLING = 20;
const SILENT = 40;

/** Higher is worse; `undefined` when it speaks of something else, or of nothing. */
function costOf(field: FieldModel, { path: job, isList, fields }: JobLocation, orders: Orders): number | undefined {
  const { typeName } = fields;
  const relation = relationOf([field.type.name, typeName], orders);
  const [fieldWords, typeWords] = [wordsOf(field.name), wordsOf(typeName)];
  const speech = speechCost(fieldWords, typeWords);
  const foreign = foreignCost(fieldWords, typeWords, relation, orders, fields.telling);
  if (foreign === undefined) return undefined;
  if (relation === UNRELATED && (fields.status === undefined || (speech === undefined && !fields.telling))) {
    return undefined;
  }
  return (
    relation +
    foreign +
    (field.deprecated ? 2_000 : 0) +
    (fields.status === undefined ? 500 : 0) +
    (fields.ids.length === 0 ? 8 : 0) +
    (isList ? 4 : 0) +
    job.length +
    fields.cost +
    (speech ?? (fields.telling ? TELLING : SILENT))
  );
}

function relationOf(answers: readonly string[], { answered, inside }: Orders): number {
  if (answers.some((type) => answered.has(type))) return 0;
  return answers.some((type) => inside.has(type)) ? 20 : UNRELATED;
}

/** An invoice has an id, a status and a url as well. A service may call its pictures orders: then its mutation says so. */
function foreignCost(
  field: readonly string[],
  type: readonly string[],
  relation: number,
  { words }: Orders,
  telling: boolean,
): number | undefined {
  const foreign = (name: readonly string[]): boolean =>
    name.some((word) => OTHER_WORDS.has(word) && (relation === UNRELATED || !words.has(word)));
  if (telling && [field, type].every((name) => !foreign(name) || isOwned(name))) {
    return foreign(field) || foreign(type) ? 60 : 0;
  }
  if (foreign(type)) return undefined;
  if (!foreign(field)) return 0;
  // `modelPrediction: Prediction` is one of the ordered things all the same; `invoice: Response` is not.
  return relation !== UNRELATED && anyOf(type, JOB_WORDS, IMAGE_WORDS) ? 60 : undefined;
}

function speechCost(field: readonly string[], type: readonly string[]): number | undefined {
  const ofJob = anyOf(field, JOB_WORDS);
  if (ofJob && anyOf(field, STATUS_WORDS)) return 0;
  if (field.includes('job')) return 2;
  if (ofJob) return 4;
  if (anyOf(field, STATUS_WORDS)) return 5;
  if (anyOf(field, IMAGE_WORDS)) return 7;
  if (anyOf(field, VAGUE_JOB_WORDS)) return 12;
  return anyOf(type, JOB_WORDS, IMAGE_WORDS, STATUS_WORDS, VAGUE_JOB_WORDS) ? 15 : undefined;
}
