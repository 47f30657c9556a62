/** All prompts, how they are listed, and how one is filled in. */
import type { GetPromptResult, ListPromptsResult } from '@modelcontextprotocol/server';
import type { Redact } from '../../core/redaction.ts';
import { cleanLine } from '../../core/untrusted-text.ts';
import { invalidParams, unknownName } from '../protocol-errors.ts';
import { composeImagePrompt } from './compose-image-prompt.ts';
import type { Prompt } from './prompt.ts';
import { reviewImagePrompt } from './review-image-prompt.ts';

export const PROMPTS: readonly Prompt[] = [composeImagePrompt, reviewImagePrompt];

/** As long as the prompt of a picture may be. */
const ARGUMENT_MAX_CHARACTERS = 4_000;

export function listPrompts(): ListPromptsResult {
  return {
    prompts: PROMPTS.map(({ name, title, description, arguments: args }) => ({
      name,
      title,
      description,
      arguments: args.map((one) => ({ name: one.name, description: one.description, required: one.required === true })),
    })),
  };
}

/** @throws ProtocolError (-32602) that names the prompt or the argument, the value and the bound */
export function getPrompt(
  name: string,
  given: Readonly<Record<string, string>> | undefined,
  redact: Redact,
): GetPromptResult {
  const prompt = promptNamed(name, redact);
  const known = prompt.arguments.map((argument) => argument.name);
  const stranger = Object.keys(given ?? {}).find((argument) => !known.includes(argument));
  if (stranger !== undefined) throw unknownName(`argument of ${name}`, stranger, known, redact);
  const values = Object.fromEntries(prompt.arguments.map((one) => [one.name, givenText(given?.[one.name], one.name)]));
  const missing = prompt.arguments.find((one) => one.required && values[one.name] === undefined);
  if (missing !== undefined) throw invalidParams(`${name} needs the argument ${missing.name}: ${missing.description}`);
  return {
    description: prompt.description,
    messages: [{ role: 'user', content: { type: 'text', text: redact(prompt.render(values)) } }],
  };
}

/** @throws ProtocolError (-32602) that names all prompts */
export function promptNamed(name: string, redact: Redact): Prompt {
  const prompt = PROMPTS.find((known) => known.name === name);
  if (prompt !== undefined) return prompt;
  throw unknownName(
    'prompt',
    name,
    PROMPTS.map((known) => known.name),
    redact,
  );
}

function givenText(text: string | undefined, name: string): string | undefined {
  if (text === undefined) return undefined;
  if (text.length > ARGUMENT_MAX_CHARACTERS)
    throw invalidParams(`${name} has ${text.length} characters; at most ${ARGUMENT_MAX_CHARACTERS} are allowed.`);
  const cleaned = cleanLine(text, ARGUMENT_MAX_CHARACTERS);
  return cleaned === '' ? undefined : cleaned;
}
