/** Removes the user's secrets from everything readable in a result, whoever put it there. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Redact } from '../core/redaction.ts';

export function redactResult(result: CallToolResult, redact: Redact): CallToolResult {
  const content = result.content.map((part) => (part.type === 'text' ? { ...part, text: redact(part.text) } : part));
  const { structuredContent, _meta } = result;
  return {
    ...result,
    content,
    ...(structuredContent === undefined ? {} : { structuredContent: redactValues(structuredContent, redact) }),
    ...(_meta === undefined ? {} : { _meta: redactValues(_meta, redact) }),
  };
}

/** Every text inside a value, however deep. */
export function redactValues<Value>(value: Value, redact: Redact): Value {
  if (typeof value === 'string') return redact(value) as Value;
  if (Array.isArray(value)) return value.map((entry: unknown) => redactValues(entry, redact)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, redactValues(entry, redact)])) as Value;
}
