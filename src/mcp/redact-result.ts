/** Removes the user's secrets from everything readable in a result, whoever put it there. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Redact } from '../core/redaction.ts';

/** Nothing that this program makes is nested so deep. */
const DEPTH_MAX = 64;
export function redactResult(result: CallToolResult, redact: Redact): CallToolResult {
  const content = result.content.map((part) =>
    part.type === 'image' || part.type === 'audio'
      ? // Megabytes of Base64, which no secret gets into.
        { ...redactValues({ ...part, data: '' }, redact), data: part.data }
      : redactValues(part, redact),
  );
  return { ...redactValues({ ...result, content: [] }, redact), content };
}

/** Every text inside a value, however deep, the names of its fields included. */
export function redactValues<Value>(value: Value, redact: Redact, depth = 0): Value {
  if (typeof value === 'string') return redact(value) as Value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return '[nested too deep]' as Value;
  if (Array.isArray(value)) return value.map((entry: unknown) => redactValues(entry, redact, depth + 1)) as Value;
  const fields = Object.entries(value).map(([key, entry]) => [redact(key), redactValues(entry, redact, depth + 1)]);
  return Object.fromEntries(fields) as Value;
}
