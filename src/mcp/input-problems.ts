/** Says what is wrong with a call's arguments: the field, the value, and the bound it breaks. */
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Redact } from '../core/redaction.ts';
import { quoted } from '../core/untrusted-text.ts';
import { redactValues } from './redact-result.ts';
import type { AnyTool } from './tool.ts';

const SHOWN_PROBLEMS = 8;
const SHOWN_VALUE_CHARACTERS = 60;

/**
 * The arguments as the tool takes them.
 * @param redact removes secrets from what is shown of them, before it is shortened
 * @throws FluxError of kind `bad_input`; nothing was sent
 */
export function parseInput(tool: AnyTool, args: unknown, redact: Redact): unknown {
  const read = tool.input.safeParse(args ?? {});
  if (read.success) return read.data;
  // Two bounds of one field are told in one sentence, so that breaking both gives the same one twice.
  const shownArgs = redactValues(args, redact);
  const problems = [...new Set(read.error.issues.flatMap((issue) => problemsOf(issue, tool, shownArgs, redact)))];
  const more = problems.length > SHOWN_PROBLEMS ? [`${problems.length - SHOWN_PROBLEMS} more of this kind`] : [];
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
    remedy: `Correct what is named above and call ${tool.name} again.`,
  });
}

function problemsOf(issue: z.core.$ZodIssue, tool: AnyTool, args: unknown, redact: Redact): string[] {
  const allowed = Object.keys(tool.input.shape);
  if (issue.code === 'unrecognized_keys') {
    const list = allowed.length === 0 ? 'it takes none' : `it takes ${allowed.join(', ')}`;
    return issue.keys.map(
      (key) => `${quoted(redact(key), SHOWN_VALUE_CHARACTERS)} is not an argument of ${tool.name}; ${list}`,
    );
  }
  const [field] = issue.path;
  if (typeof field !== 'string') return [`the arguments must be an object with ${allowed.join(', ')}`];
  const value = isRecord(args) ? args[field] : undefined;
  if (issue.code === 'custom') return [`${field}: ${shown(value)} ${issue.message}`];
  const bound = boundOf(tool, field);
  return [
    value === undefined ? `${field}: is missing; it must be ${bound}` : `${field}: ${shown(value)} must be ${bound}`,
  ];
}

/** The bound in words, from the same JSON Schema that the host sees. */
function boundOf(tool: AnyTool, field: string): string {
  const schema = tool.input.shape[field];
  if (schema === undefined) return 'something else';
  const json = z.toJSONSchema(schema as z.ZodType, { io: 'input' });
  if (json.enum !== undefined) return `one of ${json.enum.map(String).join(', ')}`;
  if (json.type === 'integer' || json.type === 'number') {
    const step = json.multipleOf === undefined ? '' : `, a multiple of ${json.multipleOf}`;
    const kind = json.type === 'integer' ? 'a whole number' : 'a number';
    return `${kind} from ${json.minimum} to ${json.maximum}${step}`;
  }
  if (json.type === 'string') return `a text of ${json.minLength ?? 0} to ${json.maxLength} characters`;
  return `a ${String(json.type)}`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value, SHOWN_VALUE_CHARACTERS);
  return quoted(JSON.stringify(value) ?? String(value), SHOWN_VALUE_CHARACTERS).slice(1, -1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
