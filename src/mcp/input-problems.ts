/** Checks what a client sends, and explains what is wrong with it: the field, the value, and the bound that it breaks. */
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Redact } from '../core/redaction.ts';
import { fencedWithout } from '../core/untrusted-text.ts';
import { invalidParams } from './protocol-errors.ts';
import type { AnyTool } from './tool.ts';

const SHOWN_PROBLEMS = 8;
/** More are not even counted. */
const READ_PROBLEMS = 1_000;
const SHOWN_VALUE_CHARACTERS = 60;

const WEBHOOK = /^(?:web_?hook|callback)(?:_?url)?$/i;
/** A webhook address chosen by a model would send word of the user's pictures to somebody else. */
const WEBHOOK_HINT = ' (the user can set DOITONG_WEBHOOK_URL instead, for all orders)';

/**
 * The arguments as the tool takes them.
 * @param redact applied before a value is shortened: half a secret is not recognised any more
 * @throws FluxError of kind `bad_input`; nothing was sent
 */
export function parseInput(tool: AnyTool, args: unknown, redact: Redact): unknown {
  const read = tool.input.safeParse(args ?? {});
  if (read.success) return read.data;
  // One sentence names both bounds of a field, so that breaking both gives the same sentence twice.
  const json = z.toJSONSchema(tool.input, { io: 'input' });
  const issues = read.error.issues.slice(0, READ_PROBLEMS);
  const problems = [...new Set(issues.flatMap((issue) => problemsOf(issue, { tool, json, args, redact })))];
  const more = problems.length > SHOWN_PROBLEMS ? [`${problems.length - SHOWN_PROBLEMS} more problems`] : [];
  throw new FluxError({
    kind: 'bad_input',
    message: `The arguments of ${tool.name} are not valid, so nothing was sent.\n${[
      ...problems.slice(0, SHOWN_PROBLEMS),
      ...more,
    ]
      .map((problem) => `- ${problem}`)
      .join('\n')}\n`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: `Correct the problems above and call ${tool.name} again.`,
  });
}

/** `json`: the schema that the host sees. */
type Given = { tool: AnyTool; json: Schema; args: unknown; redact: Redact };

function problemsOf(issue: z.core.$ZodIssue, { tool, json, args, redact }: Given): string[] {
  const schema = schemaAt(json, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const allowed = Object.keys(schema?.properties ?? {});
    const list = allowed.length === 0 ? 'it takes none' : `it takes ${allowed.join(', ')}`;
    const whose = issue.path.length === 0 ? tool.name : nameOf(issue.path);
    return issue.keys.slice(0, READ_PROBLEMS).map((key) => {
      const hint = tool.effect === 'spend' && WEBHOOK.test(key.slice(0, SHOWN_VALUE_CHARACTERS)) ? WEBHOOK_HINT : '';
      return `${fencedWithout(redact, key, SHOWN_VALUE_CHARACTERS)} is not an argument of ${whose}${hint}; ${list}`;
    });
  }
  const [field] = issue.path;
  if (typeof field !== 'string')
    return [`the arguments must be an object with ${Object.keys(schema?.properties ?? {}).join(', ')}`];
  const name = nameOf(issue.path);
  const value = valueAt(args, issue.path);
  if (issue.code === 'custom') return [`${name}: ${shown(value, redact)} ${issue.message}`];
  const bound = boundOf(schema);
  return [
    value === undefined
      ? `${name}: is missing; it must be ${bound}`
      : `${name}: ${shown(value, redact)} must be ${bound}`,
  ];
}

/** As a person writes it: `images[3].width`. */
function nameOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function valueAt(args: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => {
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, part);
    return isThere ? (value as Record<PropertyKey, unknown>)[part] : undefined;
  }, args);
}

type Schema = z.core.JSONSchema.BaseSchema;

function schemaAt(json: Schema, path: readonly PropertyKey[]): Schema | undefined {
  let schema: Schema | undefined = json;
  for (const part of path) {
    const next: unknown = typeof part === 'number' ? schema?.items : schema?.properties?.[String(part)];
    schema = isRecord(next) ? next : undefined;
  }
  return schema;
}

/** The bound in words. */
function boundOf(json: Schema | undefined): string {
  if (json === undefined) return 'something else';
  if (json.enum !== undefined) return `one of ${json.enum.map(String).join(', ')}`;
  if (json.type === 'integer' || json.type === 'number') {
    const step = json.multipleOf === undefined ? '' : `, a multiple of ${json.multipleOf}`;
    const kind = json.type === 'integer' ? 'a whole number' : 'a number';
    return `${kind} from ${json.minimum} to ${json.maximum}${step}`;
  }
  if (json.type === 'string') return `a text of ${json.minLength ?? 0} to ${json.maxLength} characters`;
  if (json.type === 'array') return `a list of ${json.minItems ?? 0} to ${json.maxItems} entries`;
  if (json.type === 'object') return `an object with ${Object.keys(json.properties ?? {}).join(', ')}`;
  return `a ${String(json.type)}`;
}

function shown(value: unknown, redact: Redact): string {
  if (typeof value === 'string') return fencedWithout(redact, value, SHOWN_VALUE_CHARACTERS);
  return fencedWithout(redact, JSON.stringify(value) ?? String(value), SHOWN_VALUE_CHARACTERS).slice(1, -1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The tools need three levels. */
const DEPTH_MAX = 32;
/** Fifty pictures with all their arguments have a few hundred values. */
const VALUES_MAX = 10_000;

/** What is too much, as words that follow "there are". Stops at the first excess, and does not recurse. */
export function boundsProblem(value: unknown): string | undefined {
  const open: [value: unknown, depth: number][] = [[value, 0]];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [current, depth] = next;
    if (typeof current !== 'object' || current === null) continue;
    if (depth > DEPTH_MAX) return `more than ${DEPTH_MAX} levels of nesting`;
    for (const key in current) {
      count += 1;
      if (count > VALUES_MAX) return `more than ${VALUES_MAX} values`;
      if (Object.hasOwn(current, key)) open.push([(current as Record<string, unknown>)[key], depth + 1]);
    }
  }
  return undefined;
}

/** @throws ProtocolError (-32602) */
export function checkParams(params: unknown): void {
  const problem = boundsProblem(params);
  if (problem !== undefined) throw invalidParams(`The parameters cannot be read: there are ${problem}.`);
}
