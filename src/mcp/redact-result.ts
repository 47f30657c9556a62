/** Removes the user's secrets from everything readable in a result, whoever put it there. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { type Redact, redactValues } from '../core/redaction.ts';

export function redactResult(result: CallToolResult, redact: Redact): CallToolResult {
  const content = result.content.map((part) =>
    part.type === 'image' || part.type === 'audio'
      ? // Megabytes of Base64, which no secret gets into.
        { ...redactValues({ ...part, data: '' }, redact), data: part.data }
      : redactValues(part, redact),
  );
  return { ...redactValues({ ...result, content: [] }, redact), content };
}
