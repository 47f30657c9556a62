/** Puts a question about money to the user through the host, and reads what became of it, in both protocol eras. */
import {
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Answer } from '../jobs/confirmation.ts';

export type Question = { question: string; yes: string };

const KEY = 'confirm';

/** People think; a host's own limit for the whole call is shorter as a rule. */
const ANSWER_WITHIN_MS = 10 * 60_000;

/** The user ticks a box: a host that answers by itself, with nothing in it, has confirmed nothing. */
function form({ question, yes }: Question) {
  const requestedSchema = {
    type: 'object' as const,
    properties: { [KEY]: { type: 'boolean' as const, title: yes, description: question } },
    required: [KEY],
  };
  return { message: question, requestedSchema };
}

/** 2026-07-28: the question is the result, and the answer comes with the same call sent again. */
export function questionResult(question: Question): InputRequiredResult {
  return inputRequired({ inputRequests: { [KEY]: inputRequired.elicit(form(question)) } });
}

/** What an answer inside a call says; `undefined` when the call carries none. */
export function answerIn({ mcpReq }: Pick<ServerContext, 'mcpReq'>): Answer | undefined {
  const { inputResponses, droppedInputResponseKeys = [] } = mcpReq;
  const isGiven = Object.hasOwn(inputResponses ?? {}, KEY) || droppedInputResponseKeys.includes(KEY);
  return isGiven ? readAnswer(inputResponses) : undefined;
}

/**
 * The earlier eras: a request to the client while the call waits. It is sent here and not by the SDK, which would end
 * the call with a sentence of its own when the client answers with an error, with nonsense or not at all.
 */
export async function askNow(
  question: Question,
  { mcpReq }: Pick<ServerContext, 'mcpReq'>,
  onError: (error: unknown) => void,
): Promise<Answer> {
  try {
    const params = { mode: 'form' as const, ...form(question) };
    const options = { timeout: ANSWER_WITHIN_MS, signal: mcpReq.signal };
    return readAnswer({ [KEY]: await mcpReq.send({ method: 'elicitation/create', params }, options) });
  } catch (error) {
    onError(error);
    return 'unanswered';
  }
}

/** A form that comes back without the tick is a no; a form that was closed says nothing. */
function readAnswer(responses: Parameters<typeof inputResponse>[0]): Answer {
  const response = inputResponse(responses, KEY);
  if (response.kind !== 'elicit' || response.action === 'cancel') return 'unanswered';
  return response.action === 'accept' && response.content?.[KEY] === true ? 'yes' : 'no';
}
