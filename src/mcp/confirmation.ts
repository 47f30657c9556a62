/** Puts a question about money to the user through the host, and reads what became of it, in both protocol eras. */
import {
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Answer } from '../jobs/consent.ts';

const KEY = 'confirm';

/** The user ticks a box: a host that answers by itself, with nothing in it, has confirmed nothing. */
export function askUser(question: string, yes: string): InputRequiredResult {
  const requestedSchema = {
    type: 'object' as const,
    properties: { [KEY]: { type: 'boolean' as const, title: yes, description: question } },
    required: [KEY],
  };
  return inputRequired({ inputRequests: { [KEY]: inputRequired.elicit({ message: question, requestedSchema }) } });
}

/** `undefined` when nobody has been asked. */
export function answerIn(context: ServerContext): Answer | undefined {
  const response = inputResponse(context.mcpReq.inputResponses, KEY);
  if (response.kind === 'missing') return undefined;
  const accepted = response.kind === 'elicit' && response.action === 'accept' && response.content?.[KEY] === true;
  return accepted ? 'yes' : 'unanswered';
}
