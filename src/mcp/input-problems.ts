/** Explains what is wrong with the arguments of a call: the field, the value, and the bound that it breaks. */
import type * as z from 'zod';
import { toDotPath } from 'zod/v4/core';
import { FluxError } from '../core/failure.ts';
import type { Redact } from '../core/redaction.ts';
import { fencedWithout } from '../core/untrusted-text.ts';
import { type Schema, schemaIn } from './arguments.ts';
import { hintFor, pixelsHint } from './input-hints.ts';
import type { Tool } from './tool.ts';

const SHOWN_PROBLEMS = 8;
const SHOWN_VALUE_CHARACTERS = 60;

export function badInput(what: string, next: string): FluxError {
  return new FluxError({ kind: 'bad_input', reason: { code: 'worded', what, next }, creditsSpent: 'no', retry: 'no' });
}

/** @param error with the values that were given @param json what the tool takes @param redact applied before one of them is shortened */
export function badArguments(tool: Tool, error: z.ZodError, json: Schema, redact: Redact): FluxError {
  // One sentence names both bounds of a field, so that breaking both gives the same sentence twice.
  const problems = [...new Set(error.issues.flatMap((issue) => problemsOf(issue, tool, json, redact)))];
  const more = problems.length - SHOWN_PROBLEMS;
  const shown = [...problems.slice(0, SHOWN_PROBLEMS), ...(more > 0 ? [`${more} more problems`] : [])];
  const isUnknown = error.issues.some(({ code }) => code === 'unrecognized_keys');
  return badInput(
    `The arguments of ${tool.name} are not valid, so nothing was sent.\n${shown.map((problem) => `- ${problem}\n`).join('')}`,
    `Correct the problems above and call again.${isUnknown ? ` ${tool.name} takes ${namesOf(json)}.` : ''}`,
  );
}

function namesOf({ properties = {} }: Schema): string {
  const names = Object.entries(properties).map(([name, field]) => {
    const entry = schemaIn(field as Schema, 0)?.properties;
    return entry === undefined ? name : `${name} (each with ${Object.keys(entry).join(', ')})`;
  });
  return names.join(', ') || 'no arguments';
}

export function problemsOf(issue: z.core.$ZodIssue, tool: Tool, json: Schema, redact: Redact): string[] {
  const schema = issue.path.reduce(schemaIn, json as Schema | undefined) ?? {};
  const name = toDotPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const [list] = issue.path;
    const other = list === undefined ? schemaIn(schemaIn(json, 'images'), 0) : json;
    return issue.keys.map((key) => {
      const value = (issue.input as Record<string, unknown>)[key];
      const hint = hintFor(key.slice(0, SHOWN_VALUE_CHARACTERS), value, schema, other ?? {}, tool.effect === 'spend');
      const of = list === undefined ? tool.name : `an entry in ${String(list)}`;
      return `${fencedWithout(redact, key, SHOWN_VALUE_CHARACTERS)} is not an argument of ${of}${hint ? `: ${hint}` : ''}`;
    });
  }
  if (name === '') return [`the arguments must be ${boundOf(schema)}`];
  const must = issue.code === 'custom' ? issue.message : `must be ${boundOf(schema)}`;
  if (issue.input === undefined) return [`${name}: is missing; it ${must}`];
  const pixels = schema.enum && pixelsHint(issue.input);
  return [`${name}: ${shownValue(issue.input, redact)} ${must}${pixels ? `; ${pixels}` : ''}`];
}

function boundOf(json: Schema): string {
  const { enum: choices, type, minimum, maximum, multipleOf, minLength = 0, maxLength, minItems = 0, maxItems } = json;
  if (choices?.length === 1) return `${choices.map(String)}, or be left out`;
  if (choices !== undefined) return `one of ${choices.map(String).join(', ')}`;
  const step = multipleOf === undefined ? '' : `, a multiple of ${multipleOf}`;
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}${step}`;
  if (type === 'number') return `a number from ${minimum} to ${maximum}${step}`;
  if (type === 'string') return `a text of ${minLength} to ${maxLength} characters`;
  if (type === 'array') return `a list of ${minItems} to ${maxItems} entries`;
  if (type === 'object') return `an object with ${Object.keys(json.properties ?? {}).join(', ')}`;
  return type === 'boolean' ? 'true or false' : `a ${String(type)}`;
}

function shownValue(value: unknown, redact: Redact): string {
  if (typeof value === 'string') return fencedWithout(redact, value, SHOWN_VALUE_CHARACTERS);
  return fencedWithout(redact, JSON.stringify(value) ?? String(value), SHOWN_VALUE_CHARACTERS).slice(1, -1);
}
