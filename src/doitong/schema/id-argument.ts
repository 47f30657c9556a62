/** Finds the argument of a root field that takes a job's id, also inside input objects. */
import type { FieldModel, InputModel, SchemaModel, TypeRef } from './introspection.ts';
import type { Budget } from './job-fields.ts';
import {
  anyOf,
  CONTEXT_WORDS,
  endsIn,
  ID_WORDS,
  IMAGE_WORDS,
  JOB_WORDS,
  KEY_WORDS,
  OTHER_ARGUMENT_WORDS,
  OTHER_WORDS,
  VAGUE_JOB_WORDS,
  within,
  wordsOf,
} from './name-words.ts';

export type IdArgument = {
  /** The argument's name, then the names of the input fields that lead to the id. */
  path: string[];
  takesList: boolean;
  /** It is a number and takes no text. */
  takesNumber: boolean;
  /** Higher is worse. */
  cost: number;
};

const INPUT_OBJECTS_MAX = 2;
const ATTRIBUTES = new Set(['unique', 'public', 'remote', 'by', 'the']);
const OPERATORS = new Set(['eq', 'equal', 'is', 'in', 'any', 'value']);

/** Scalars that take a number and no text: GraphQL's own, and the usual names for longer ones. */
const NUMBER_TYPES = new Set(['Int', 'BigInt', 'Int64', 'Long']);

type Level = { schema: SchemaModel; budget: Budget; answersList: boolean; depth: number; underId: boolean };

/** The id can be given, and nothing else has to be: else `undefined`. A list is preferred where lists are answered. */
export function idArgument(
  schema: SchemaModel,
  field: FieldModel,
  answersList: boolean,
  budget: Budget,
): IdArgument | undefined {
  return findId(field.args, { schema, budget, answersList, depth: 0, underId: false });
}

function findId(inputs: readonly InputModel[], level: Level): IdArgument | undefined {
  level.budget.steps -= inputs.length;
  const required = inputs.filter((input) => input.required);
  if (required.length > 1 || level.budget.steps < 0) return undefined;
  const sole = required.length === 1;
  return (sole ? required : inputs)
    .flatMap((input) => takesId(input, sole, level) ?? [])
    .sort((a, b) => a.cost - b.cost || (a.path.join() < b.path.join() ? -1 : 1))[0];
}

function takesId(input: InputModel, sole: boolean, level: Level): IdArgument | undefined {
  const { name, type } = input;
  const words = wordsOf(name);
  const takesNumber = NUMBER_TYPES.has(type.name);
  // A number is an id only where its name says so: most numbers are sizes and limits.
  if (type.kind === 'SCALAR' && type.lists <= 1 && (takesNumber ? saysId(words) : isIdType(type))) {
    const cost = sole ? soleCost(words, type, level) : saysId(words) || isOperator(words, level) ? 1 : undefined;
    const takesList = type.lists === 1;
    return cost === undefined
      ? undefined
      : { path: [name], takesList, takesNumber, cost: cost + (takesList === level.answersList ? 0 : 2) };
  }
  if (type.kind !== 'INPUT_OBJECT' || type.lists > 0 || level.depth === INPUT_OBJECTS_MAX) return undefined;
  const underId = saysId(words);
  // A condition on something else, as in `where: { user: { id } }`, takes the id of something else.
  if (!(underId || within(words, CONTEXT_WORDS, JOB_WORDS, ATTRIBUTES) || (sole && !anyOf(words, OTHER_WORDS)))) {
    return undefined;
  }
  const inputs = level.schema.types.get(type.name)?.inputs ?? [];
  const inside = findId(inputs, { ...level, depth: level.depth + 1, underId });
  return inside && { ...inside, path: [name, ...inside.path], cost: inside.cost + 2 };
}

/** What the only required argument may be called. */
function soleCost(words: readonly string[], type: TypeRef, level: Level): number | undefined {
  if (saysId(words) || isOperator(words, level)) return 0;
  if (endsIn(KEY_WORDS, words, JOB_WORDS, VAGUE_JOB_WORDS, IMAGE_WORDS)) return 2;
  if (words.length > 0 && within(words, JOB_WORDS, VAGUE_JOB_WORDS, IMAGE_WORDS)) return 2;
  // A string can be anything, and the id of a user is no id of a job.
  const elsewhere = type.name === 'String' || anyOf(words, OTHER_WORDS, OTHER_ARGUMENT_WORDS, ID_WORDS);
  return elsewhere ? undefined : 4;
}

/** `id`, `jobIds`, `task_id`, `id_in`, but not `userId`, `nodeId` or `externalId`. */
function saysId(words: readonly string[]): boolean {
  const subject = words.length > 1 && OPERATORS.has(words.at(-1) ?? '') ? words.slice(0, -1) : words;
  return endsIn(ID_WORDS, subject, JOB_WORDS, VAGUE_JOB_WORDS, IMAGE_WORDS, ATTRIBUTES);
}

function isOperator(words: readonly string[], { underId }: Level): boolean {
  return underId && words.length > 0 && within(words, OPERATORS);
}

/** A string literal is valid for both; the services' own scalars for ids (`UUID`) take one as well. */
function isIdType({ name }: TypeRef): boolean {
  return (
    name === 'ID' || name === 'String' || endsIn(ID_WORDS, wordsOf(name), ID_WORDS, JOB_WORDS, new Set(['object']))
  );
}
