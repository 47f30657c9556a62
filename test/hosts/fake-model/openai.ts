/** What both APIs of OpenAI share. */
import { Refusal, textOf } from './conversation.ts';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/u;

/** @throws Refusal */
export function openAiToolName(name: unknown, where: string): string {
  const text = textOf(name);
  if (!TOOL_NAME.test(text))
    throw new Refusal(
      `Invalid '${where}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$' of at most 64 characters, got ${JSON.stringify(text)}.`,
    );
  return text;
}

export const openAiError = (message: string): unknown => ({
  error: { message, type: 'invalid_request_error', param: null, code: null },
});
