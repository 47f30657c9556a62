/** Reads GraphQL's validation errors: what they name was refused before anything was executed, so it cost nothing. */
import type { WireError } from './envelope.ts';

export type ValidationProblem =
  | { problem: 'unknown_field'; field: string; type: string }
  /** The field exists, but cannot be selected the way the document does. */
  | { problem: 'unfit_field'; field: string }
  /** A type that is named in the document is not there. */
  | { problem: 'unknown_type'; type: string }
  /** There are no mutations at all. */
  | { problem: 'no_mutations' }
  /** The input has a field that the service does not know, or lacks one that it requires; `steps` lead to its object. */
  | { problem: 'unknown_input' | 'missing_input'; input: string; steps?: string }
  /** An unknown argument, or a missing or misplaced one: the document does not fit the service. */
  | { problem: 'unfit_document' }
  /** A text was given where a number has to stand. */
  | { problem: 'wants_number' }
  /** The variables do not fit: the request was wrong, not the document. */
  | { problem: 'bad_variables' };

const NAME = '[_A-Za-z][_0-9A-Za-z]*';
const QUOTED = `["']${NAME}["']`;
const FIELD = `["'](?<field>${NAME})["']`;
const INPUT = `["'](?<input>${NAME})["']`;
const NAMED_TYPE = `["'](?<type>${NAME})["']`;
/** A type as a schema writes it: `[Job!]!`. */
const TYPE = `["']?[\\[\\]!_0-9A-Za-z]+["']?`;
const OF_TYPE = `of type ${TYPE}`;
/** To a place: `.options`, `input.options[0]`. */
const STEPS = '[.\\[\\]_0-9A-Za-z]*';
const VARIABLE = `Variable ["']\\$${NAME}["']`;
/** The refused value holds the prompt, which may read like an error: only what stands behind it counts. */
const OLD_VALUE = `(?:${VARIABLE} got invalid value .+?(?: at ["'](?<steps>${STEPS})["'])?; )?`;
/** Release 17 of graphql-js has the value at the end. */
const NEW_VALUE = `${VARIABLE} has invalid value(?: at (?<steps>${STEPS}))?: Expected value of type ${TYPE}`;

const whole = (source: string): RegExp => new RegExp(`^${source}$`, 'su');

// The messages of graphql-js, which most servers share. They carry no code of their own, hence the only place where
// messages are matched: as a whole, never by a part. The first that fits counts; its groups are what it names.
const MESSAGES: readonly [ValidationProblem['problem'], RegExp][] = [
  ['unknown_field', whole(`Cannot query field ${FIELD} on type ${NAMED_TYPE}\\.`)],
  ['unfit_field', whole(`Field ${FIELD} must not have a selection since type ${TYPE} has no subfields\\.`)],
  ['unfit_field', whole(`Field ${FIELD} ${OF_TYPE} must have a selection of subfields\\.`)],
  ['unknown_type', whole(`Unknown type ${NAMED_TYPE}\\.`)],
  ['no_mutations', whole('Schema is not configured (?:to execute mutation operation|for mutations)\\.')],
  ['unfit_document', whole(`Unknown argument ${QUOTED} on field ["'](?:${NAME}\\.)?${NAME}["'](?: ${OF_TYPE})?\\.`)],
  ['unfit_document', whole(`Field ${QUOTED} argument ${QUOTED} ${OF_TYPE} is required, but it was not provided\\.`)],
  ['unfit_document', whole(`${VARIABLE} ${OF_TYPE} used in position expecting type ${TYPE}\\.`)],
  ['unfit_document', whole(`${VARIABLE} cannot be non-input type ${TYPE}\\.`)],
  ['wants_number', whole(`${NAME} cannot represent (?:a )?non-integer value: ".*"\\.?`)],
  ['unknown_input', whole(`${OLD_VALUE}Field ${INPUT} is not defined by type ${TYPE}(?: at value${STEPS})?\\.`)],
  [
    'unknown_input',
    whole(`${NEW_VALUE} not to include unknown field ${INPUT}(?:, found|\\. Did you mean .+\\? Found): .+`),
  ],
  ['missing_input', whole(`${OLD_VALUE}Field ${INPUT} of required type ${TYPE} was not provided\\.`)],
  ['missing_input', whole(`${NEW_VALUE} to include required field ${INPUT}, found: .+`)],
  ['bad_variables', whole(`${VARIABLE} (?:got|has) invalid value[: ].+`)],
  ['bad_variables', whole(`${VARIABLE} of required type ${TYPE} was not provided\\.`)],
];

/** What the errors of an answer say when all of them are validation errors, else `undefined`. */
export function validationProblems(errors: readonly Pick<WireError, 'message' | 'code'>[]) {
  const problems = errors.flatMap(({ message, code }) => {
    const read = problemIn(withoutSuggestion(message));
    return read ?? (code === 'GRAPHQL_VALIDATION_FAILED' ? { problem: 'unfit_document' as const } : []);
  });
  return errors.length > 0 && problems.length === errors.length ? problems : undefined;
}

function problemIn(text: string): ValidationProblem | undefined {
  for (const [problem, pattern] of MESSAGES) {
    const match = pattern.exec(text);
    if (match !== null) return { problem, ...match.groups } as ValidationProblem;
  }
  return undefined;
}

function withoutSuggestion(message: string): string {
  if (!message.endsWith('?')) return message;
  const at = Math.max(message.lastIndexOf('. Did you mean '), message.lastIndexOf('; did you mean '));
  return at < 0 ? message : `${message.slice(0, at)}.`;
}
