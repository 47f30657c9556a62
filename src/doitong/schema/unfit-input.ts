/** Reads from a service's complaints about an order's input which optional places to leave out, without its schema. */
import { complaintBehindValue, withoutSuggestion } from './complaint.ts';
import { type InputObject, isInputObject, joinPath, leafPaths, valueAt } from './input-paths.ts';

const NAME = '[_A-Za-z][_0-9A-Za-z]*';
/** From the variable to the place: `.options`, `[0]`. */
const STEPS = `(?:\\.${NAME}|\\[\\d+\\])*`;
const FENCED = `["'](${NAME})["']`;
const TYPE = `["']?[\\[\\]!_0-9A-Za-z]+["']?`;
const pattern = (source: string): RegExp => new RegExp(`^${source}`, 'su');

// The messages of graphql-js and of what follows it word by word, as a whole, by the release that brought each form. The
// refused value stands in them and holds the prompt: only what comes after it, or in release 17 before it, is read.
const VARIABLE = `Variable ["']\\$${NAME}["']`;
/** 14 names the place behind the complaint (` at value.options`), 15 and 16 before it (` at "input.options"`). */
const UNKNOWN_AFTER_VALUE = pattern(`; Field ${FENCED} is not defined by type ${TYPE}(?: at value(${STEPS}))?\\.$`);
const PATH_AT_END = new RegExp(` at ["']${NAME}(${STEPS})["']$`, 'u');
const UNKNOWN_BEFORE_VALUE = pattern(
  `${VARIABLE} has invalid value(?: at (${STEPS}))?: Expected value of type ${TYPE} not to include unknown field ${FENCED}(?:, found|\\. Did you mean .+\\? Found): .+$`,
);
/** Of an input that is written into the document. */
const UNKNOWN_IN_DOCUMENT = pattern(`Field ${FENCED} is not defined by type ${TYPE}\\.$`);
const REFUSED_VALUE = [
  pattern(`${VARIABLE} got invalid value .+ at ["']${NAME}(${STEPS})["']; .+$`),
  pattern(`${VARIABLE} has invalid value at (${STEPS}): .+$`),
];
/** Behind the complaint (14), before it (15 and 16), and before the value (17). */
const MISSING_AT_PATH = pattern(`; Field value(${STEPS}) of required type ${TYPE} was not provided\\.$`);
const MISSING_AFTER_VALUE = pattern(
  `; Field ${FENCED} of required type ${TYPE} was not provided(?: at value(${STEPS}))?\\.$`,
);
const MISSING_BEFORE_VALUE = pattern(
  `${VARIABLE} has invalid value(?: at (${STEPS}))?: Expected value of type ${TYPE} to include required field ${FENCED}, found: .+$`,
);
// The patterns look back over the message, which must not take long.
const MESSAGE_MAX_CHARACTERS = 20_000;

/** `undefined` when a message is of another kind, or names something without which the order is another order. */
export function pathsToLeaveOut(
  messages: readonly string[],
  value: InputObject,
  optionalPaths: readonly string[],
): string[] | undefined {
  const leaves = new Set<string>();
  for (const message of messages) {
    const path = complaint(message, value);
    const inner = path === undefined ? [] : leafPaths(valueAt(value, path), path);
    if (inner.length === 0 || !inner.every((leaf) => optionalPaths.includes(leaf))) return undefined;
    for (const leaf of inner) leaves.add(leaf);
  }
  return leaves.size === 0 ? undefined : [...leaves];
}

/** What a service requires and we do not have, and what we must say and it does not know. */
export type UnfitNames = { missing: readonly string[]; unknown: readonly string[] };

/** The places that messages name, for people; each is a path of GraphQL names. */
export function unfitNames(
  messages: readonly string[],
  value: InputObject,
  optionalPaths: readonly string[],
): UnfitNames {
  const [missing, unknown] = [new Set<string>(), new Set<string>()];
  for (const message of messages) {
    if (message.length > MESSAGE_MAX_CHARACTERS) continue;
    const lacking = missingField(message);
    if (lacking !== undefined) missing.add(lacking);
    const field = lacking === undefined ? unknownField(message, value) : undefined;
    const leaves = field === undefined ? [] : leafPaths(valueAt(value, field), field);
    if (field !== undefined && !leaves.every((leaf) => optionalPaths.includes(leaf))) unknown.add(field);
  }
  return { missing: [...missing], unknown: [...unknown] };
}

function missingField(message: string): string | undefined {
  const { refused, complaint } = complaintBehindValue(message) ?? {};
  const place14 = MISSING_AT_PATH.exec(complaint ?? '')?.[1];
  if (place14 !== undefined) return pathOf(place14);
  const [, name, after] = MISSING_AFTER_VALUE.exec(complaint ?? '') ?? [];
  if (refused !== undefined && name !== undefined) {
    return joinPath(pathOf(after ?? PATH_AT_END.exec(refused)?.[1] ?? ''), name);
  }
  const [, path, last] = MISSING_BEFORE_VALUE.exec(message) ?? [];
  return last === undefined ? undefined : joinPath(pathOf(path ?? ''), last);
}

/** The path that a message complains about, when it is in the value. */
function complaint(message: string, value: InputObject): string | undefined {
  if (message.length > MESSAGE_MAX_CHARACTERS) return undefined;
  const path = unknownField(message, value) ?? refusedValue(message);
  return path !== undefined && path !== '' && valueAt(value, path) !== undefined ? path : undefined;
}

function unknownField(message: string, value: InputObject): string | undefined {
  const { refused, complaint } = complaintBehindValue(message) ?? {};
  const [, after, pathAfter] = UNKNOWN_AFTER_VALUE.exec(complaint ?? '') ?? [];
  if (refused !== undefined && after !== undefined) {
    const path = pathAfter ?? PATH_AT_END.exec(refused)?.[1];
    return path === undefined ? anywhere(value, after) : joinPath(pathOf(path), after);
  }
  const [, path, before] = UNKNOWN_BEFORE_VALUE.exec(message) ?? [];
  if (before !== undefined) return joinPath(pathOf(path ?? ''), before);
  const inDocument = UNKNOWN_IN_DOCUMENT.exec(withoutSuggestion(message))?.[1];
  return inDocument === undefined ? undefined : anywhere(value, inDocument);
}

function refusedValue(message: string): string | undefined {
  const { complaint = '' } = complaintBehindValue(message) ?? {};
  if (UNKNOWN_AFTER_VALUE.test(complaint) || UNKNOWN_BEFORE_VALUE.test(message)) return undefined;
  const path = REFUSED_VALUE.map((refused) => refused.exec(message)?.[1]).find((found) => found !== undefined);
  return path === undefined ? undefined : pathOf(path);
}

/** Where no place is named the field is one of the input itself, or else the only one of that name. */
function anywhere(value: InputObject, field: string): string | undefined {
  if (Object.hasOwn(value, field)) return field;
  const [only, ...more] = allPaths(value).filter((path) => path.endsWith(`.${field}`));
  return more.length === 0 ? only : undefined;
}

function allPaths(value: InputObject, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = joinPath(prefix, name);
    return isInputObject(inner) ? [path, ...allPaths(inner, path)] : [path];
  });
}

/** `.options[0].quality` is `options.quality`. */
function pathOf(steps: string): string {
  return steps.replace(/\[\d+\]/gu, '').replace(/^\./u, '');
}
