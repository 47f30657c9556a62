/** Finds where in an answered type the id, the status, the picture's address, the cost and a reason for failure stand. */
import { phaseOf } from '../statuses.ts';
import { fieldsOf, type SchemaModel, type TypeRef } from './introspection.ts';
import {
  anyOf,
  endsIn,
  ID_WORDS,
  IMAGE_WORDS,
  isListName,
  isLooseOutputName,
  isOutputName,
  isUrlName,
  isWrapperName,
  JOB_WORDS,
  STATUS_WORDS,
  VAGUE_JOB_WORDS,
  wordsOf,
} from './name-words.ts';

/** Names from the outside to the inside. Lists on the way do not show: whoever reads looks into each. */
export type Path = string[];

export type JobFields = {
  typeName: string;
  /** Best first, as all lists of paths here. */
  ids: Path[];
  status: Path | undefined;
  urls: Path[];
  creditCost: Path | undefined;
  reasons: Path[];
  metadata: Path | undefined;
  /** Higher is worse: how far the places are from the plain `status` and `url`. */
  cost: number;
  /** Whether anything in it speaks of a picture or of credits, whatever the type is called. */
  telling: boolean;
};

/** A job in an answer: the path to it, and whether a list is on the way. */
export type JobLocation = { path: Path; isList: boolean; fields: JobFields };

/** How many more fields and arguments may be examined: a hostile schema could ask for billions. */
export type Budget = { steps: number };

export interface JobFieldsByType {
  of(typeName: string): JobFields;
  /** Where the job stands in an answer of this type: the type itself, or what its wrappers lead to. */
  locationIn(answer: TypeRef): JobLocation | undefined;
}

type Location = { path: Path; cost: number };
/** A field that can be asked for without arguments; `stale` is what it costs to be deprecated. */
type Seen = { name: string; words: readonly string[]; type: TypeRef; stale: number };
type FieldsWithin = (typeName: string) => readonly Seen[];

const URL_DEPTH_MAX = 4;
const WRAPPER_DEPTH_MAX = 3;
const PATHS_MAX = 3;
const VISITS_MAX = 60;
const FIELDS_MAX = 500;
const NO_TEXT = new Set(['Int', 'Float', 'Boolean']);
const BUILT_IN = new Set([...NO_TEXT, 'String', 'ID']);
const CURRENT = new Set(['current']);
const STATUS_INSIDE = [...STATUS_WORDS, 'value', 'name', 'code', 'text', 'label'];
const REASON_WORDS = new Set(['error', 'reason', 'failure', 'message', 'detail', 'fault']);
const REASON_ATTRIBUTES = new Set([
  ...REASON_WORDS,
  ...STATUS_WORDS,
  ...JOB_WORDS,
  'fail',
  'failed',
  'last',
  'moderation',
]);
const REASON_HOLDERS = new Set(['error', 'failure', 'fault']);
const REASON_INSIDE = ['message', 'reason', 'detail', 'description', 'text'];
const COST_ATTRIBUTES = new Set(['cost', 'used', 'spent', 'charged', 'price', 'consumed', 'total', 'billed', 'amount']);
const COST_HOLDERS = new Set(['cost', 'usage', 'billing', 'price', 'charge', 'credit']);
/** What a picture's job has besides the fields that are asked for. */
const TELLING_FIELDS = new Set(['prompt', 'provider', 'seed', 'width']);

/** Each type is looked at once, whatever number of root fields lead to it. */
export function createJobFields(schema: SchemaModel, budget: Budget): JobFieldsByType {
  const seen = new Map<string, readonly Seen[]>();
  const fieldsByType = new Map<string, JobFields>();
  const fieldsWithin: FieldsWithin = (typeName) => {
    const fields = seen.get(typeName) ?? selectable(schema, typeName);
    seen.set(typeName, fields);
    budget.steps -= fields.length + 1;
    return budget.steps < 0 ? [] : fields;
  };
  const of = (typeName: string): JobFields => {
    const fields = fieldsByType.get(typeName) ?? jobFields(schema, typeName, fieldsWithin);
    fieldsByType.set(typeName, fields);
    return fields;
  };
  return { of, locationIn: (answer) => jobLocation(answer, of, fieldsWithin) };
}

function jobLocation(
  answer: TypeRef,
  fieldsOfType: (typeName: string) => JobFields,
  fieldsWithin: FieldsWithin,
): JobLocation | undefined {
  const level = (path: Path, type: TypeRef, isList: boolean): JobLocation[] =>
    isObject(type) ? [{ path, isList: isList || type.lists > 0, fields: fieldsOfType(type.name) }] : [];
  const locations: JobLocation[] = [];
  for (let at = level([], answer, false); at.length > 0 && locations.length < VISITS_MAX; ) {
    locations.push(...at);
    at = at
      // The id that is given is the one of what is answered: jobs inside a thing with an id have other ids.
      .filter(({ path, fields }) => path.length < WRAPPER_DEPTH_MAX && !fields.ids.some(isPlainId))
      .flatMap(({ path, isList, fields }) =>
        fieldsWithin(fields.typeName)
          .filter(({ words }) => isWrapperName(words))
          .flatMap(({ name, type }) => level([...path, name], type, isList)),
      )
      .slice(0, VISITS_MAX);
  }
  const price = ({ path, fields }: JobLocation): number =>
    (fields.ids.length === 0 ? 100 : 0) + (fields.status === undefined ? 200 : 0) + path.length * 10 + fields.cost;
  return locations.filter(({ fields }) => fields.urls.length > 0).sort((a, b) => price(a) - price(b))[0];
}

const isPlainId = (path: Path): boolean => path.every((name) => wordsOf(name).length === 1);

function jobFields(schema: SchemaModel, typeName: string, fieldsWithin: FieldsWithin): JobFields {
  const fields = fieldsWithin(typeName);
  const cheapest = (locations: Location[]): Location[] => locations.sort((a, b) => a.cost - b.cost).slice(0, PATHS_MAX);
  const paths = (locations: Location[]): Path[] => cheapest(locations).map(({ path }) => path);
  const [status] = cheapest(fields.flatMap((field) => statusLocations(schema, field, fieldsWithin)));
  const urls = cheapest(urlLocations(typeName, fieldsWithin));
  const [creditCost] = paths(fields.flatMap((field) => costLocations(field, fieldsWithin)));
  const metadata = fields.find(({ name, type }) => /^meta_?data$/iu.test(name) && isFreeForm(type));
  return {
    typeName,
    ids: paths(fields.flatMap(idLocations)),
    status: status?.path,
    urls: paths(urls),
    creditCost,
    reasons: paths(fields.flatMap((field) => reasonLocations(field, fieldsWithin))),
    metadata: metadata && [metadata.name],
    cost: Math.min(9, (status?.cost ?? 0) + (urls[0]?.cost ?? 0) / 10 + (creditCost === undefined ? 1 : 0)),
    telling:
      creditCost !== undefined ||
      (urls[0]?.path ?? []).some((name) => anyOf(wordsOf(name), IMAGE_WORDS)) ||
      fields.some(({ name }) => TELLING_FIELDS.has(name)),
  };
}

function selectable(schema: SchemaModel, typeName: string): Seen[] {
  return fieldsOf(schema, typeName)
    .filter(({ args }) => !args.some(({ required }) => required))
    .slice(0, FIELDS_MAX)
    .map(({ name, type, deprecated }) => ({ name, words: wordsOf(name), type, stale: deprecated ? 20 : 0 }));
}

const isLeaf = ({ kind }: TypeRef): boolean => kind === 'SCALAR' || kind === 'ENUM';
const isObject = ({ kind }: TypeRef): boolean => kind === 'OBJECT' || kind === 'INTERFACE';
const isText = (type: TypeRef): boolean => isLeaf(type) && !NO_TEXT.has(type.name);
/** A scalar of the service's own, which can hold anything. */
const isFreeForm = ({ kind, name }: TypeRef): boolean => kind === 'SCALAR' && !BUILT_IN.has(name);

function idLocations({ name, words, type, stale }: Seen): Location[] {
  if (type.kind !== 'SCALAR' || type.lists > 0 || type.name === 'Boolean' || type.name === 'Float') return [];
  if (!endsIn(ID_WORDS, words, JOB_WORDS, VAGUE_JOB_WORDS, IMAGE_WORDS)) return [];
  return [{ path: [name], cost: words.length * 2 - (name === 'id' ? 1 : 0) + stale }];
}

function statusLocations(
  schema: SchemaModel,
  { name, words, type, stale }: Seen,
  fieldsWithin: FieldsWithin,
): Location[] {
  if (type.lists > 0 || !endsIn(STATUS_WORDS, words, JOB_WORDS, VAGUE_JOB_WORDS, IMAGE_WORDS, CURRENT)) return [];
  const cost = words.length - 1 + (words.at(-1) === 'status' ? 0 : 1) + stale;
  if (isText(type)) return [{ path: [name], cost: cost + (speaksOfPhases(schema, type) ? 0 : 4) }];
  if (!isObject(type)) return [];
  return fieldsWithin(type.name).flatMap((inner) => {
    const rank = STATUS_INSIDE.indexOf(inner.words.join(' '));
    const fits = rank >= 0 && inner.type.lists === 0 && isText(inner.type);
    return fits ? [{ path: [name, inner.name], cost: cost + 2 + rank / 10 }] : [];
  });
}

/** An enum of which no value is known is more likely the state of something else. */
function speaksOfPhases(schema: SchemaModel, { kind, name }: TypeRef): boolean {
  return kind !== 'ENUM' || (schema.types.get(name)?.values ?? []).some((value) => phaseOf(value) !== undefined);
}

/** Breadth first, so that what is near is found before the bound is reached. */
function urlLocations(typeName: string, fieldsWithin: FieldsWithin): Location[] {
  const locations: Location[] = [];
  const queue: { path: Path; typeName: string }[] = [{ path: [], typeName }];
  for (const at of queue) {
    for (const { name, words, type, stale } of fieldsWithin(at.typeName)) {
      const path = [...at.path, name];
      const cost = urlCost(words, type);
      if (cost !== undefined) locations.push({ path, cost: cost + at.path.length * 10 + stale });
      const leads = isObject(type) && (isOutputName(words) || (at.path.length > 0 && isListName(words)));
      if (leads && path.length < URL_DEPTH_MAX && queue.length < VISITS_MAX) queue.push({ path, typeName: type.name });
    }
  }
  return locations;
}

function urlCost(words: readonly string[], type: TypeRef): number | undefined {
  if (type.kind !== 'SCALAR' || NO_TEXT.has(type.name) || type.lists > 2) return undefined;
  if (isUrlName(words)) return words.length - 1;
  if (!isOutputName(words) || type.name === 'ID') return undefined;
  if (isFreeForm(type)) return 45;
  return isLooseOutputName(words) ? undefined : 40;
}

function costLocations({ name, words, type }: Seen, fieldsWithin: FieldsWithin): Location[] {
  if (type.lists > 0 || type.name === 'Boolean') return [];
  if (isLeaf(type)) return speaksOfCredits(words) ? [{ path: [name], cost: words.length === 2 ? 0 : 1 }] : [];
  if (!isObject(type) || !words.every((word) => COST_HOLDERS.has(word))) return [];
  return fieldsWithin(type.name).flatMap((inner) => {
    const fits = isLeaf(inner.type) && inner.type.lists === 0 && speaksOfCredits([...words, ...inner.words]);
    return fits ? [{ path: [name, inner.name], cost: 3 }] : [];
  });
}

/** `creditCost`, `creditsUsed`, `costCredits`; not `creditsRemaining`. */
function speaksOfCredits(words: readonly string[]): boolean {
  const others = words.filter((word) => word !== 'credit');
  return others.length < words.length && others.every((word) => COST_ATTRIBUTES.has(word) || COST_HOLDERS.has(word));
}

function reasonLocations({ name, words, type, stale }: Seen, fieldsWithin: FieldsWithin): Location[] {
  if (isText(type)) {
    if (type.name === 'ID' || !endsIn(REASON_WORDS, words, REASON_ATTRIBUTES)) return [];
    // A message or a detail alone can also be good news.
    return [{ path: [name], cost: stale + (anyOf(words, REASON_HOLDERS) ? 0 : words.includes('reason') ? 1 : 2) }];
  }
  if (!isObject(type) || !endsIn(REASON_HOLDERS, words, REASON_ATTRIBUTES)) return [];
  const inside = fieldsWithin(type.name).filter((field) => isText(field.type));
  const text = REASON_INSIDE.find((word) => inside.some((field) => field.name === word));
  return text === undefined ? [] : [{ path: [name, text], cost: stale }];
}
