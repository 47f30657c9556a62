/** The question to the user before an expensive call, and what its answer is worth. */
import type { InputRequiredResult, ServerContext } from '@modelcontextprotocol/server';
import { createRequestStateCodec, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type { Log } from '../core/ports.ts';
import { BoundedMap } from '../core/primitives.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import type { Answer } from '../limits/budget.ts';

const KEY = 'confirm';
/** People think; a host's own limit for the whole call is shorter as a rule. */
const ANSWER_WITHIN_MS = 10 * 60_000;

/** The user is asked; with the answer the call runs again from its beginning. Nothing may have happened by now. */
export type Question = {
  type: 'ask';
  question: string;
  yes: string;
  /** Credits. */
  upTo: number;
};

/** The user ticks a box: a host that answers by itself, with nothing in it, has confirmed nothing. */
function questionForm({ question, yes }: Question) {
  const properties = { [KEY]: { type: 'boolean' as const, title: yes, description: question } };
  return { message: question, requestedSchema: { type: 'object' as const, properties, required: [KEY] } };
}

/** What was asked, sealed together with the call: it comes back through the client with the answer. */
type Asked = { upTo: number; number: number };

/**
 * Questions since 2026-07-28: each is a result, and its answer comes with the same call sent again. A yes counts for the
 * call that was asked about, for its price, for ten minutes and once; anything else is asked again.
 */
export class Confirmations {
  readonly #used = new BoundedMap<number, true>(1_000);
  #count = 0;

  /** @param key 32 bytes that nobody else knows */
  constructor(private readonly key: Uint8Array) {}

  #sealOf(call: string) {
    return createRequestStateCodec<Asked>({ key: this.key, ttlSeconds: ANSWER_WITHIN_MS / 1_000, bind: () => call });
  }

  /** @param call the tool and its arguments, as text */
  async questionResult(question: Question, call: string, context: ServerContext): Promise<InputRequiredResult> {
    this.#count += 1;
    const requestState = await this.#sealOf(call).mint({ upTo: question.upTo, number: this.#count }, context);
    return inputRequired({ inputRequests: { [KEY]: inputRequired.elicit(questionForm(question)) }, requestState });
  }

  /** @returns `undefined` when the call carries no answer; `of_another`: a yes to something else, or to nothing */
  async answerIn(context: ServerContext, call: string): Promise<Answer | 'of_another' | undefined> {
    const { inputResponses, droppedInputResponseKeys = [], requestState } = context.mcpReq;
    if (!Object.hasOwn(inputResponses ?? {}, KEY) && !droppedInputResponseKeys.includes(KEY)) return undefined;
    const answer = readAnswer(inputResponses);
    if (answer !== 'yes') return { type: answer };
    const state = requestState();
    if (typeof state !== 'string') return 'of_another';
    const asked = await this.#sealOf(call)
      .verify(state, context)
      .catch(() => undefined);
    if (asked === undefined || this.#used.has(asked.number)) return 'of_another';
    this.#used.set(asked.number, true);
    return { type: 'yes', upTo: asked.upTo };
  }
}

/** In the earlier eras, while the call waits. The SDK itself would end the call when it got no proper answer. */
export async function askNow(question: Question, { mcpReq }: ServerContext, log: Log): Promise<Answer> {
  try {
    const params = { mode: 'form' as const, ...questionForm(question) };
    const options = { timeout: ANSWER_WITHIN_MS, signal: mcpReq.signal };
    const answer = readAnswer({ [KEY]: await mcpReq.send({ method: 'elicitation/create', params }, options) });
    return answer === 'yes' ? { type: 'yes', upTo: question.upTo } : { type: answer };
  } catch (error) {
    log.warn('a question to the user was not answered', { error: cleanLine(String(error)) });
    return { type: 'unanswered' };
  }
}

/** A form that comes back without the tick is a no; a form that was closed says nothing. */
function readAnswer(responses: Parameters<typeof inputResponse>[0]): Answer['type'] {
  const response = inputResponse(responses, KEY);
  if (response.kind !== 'elicit' || response.action === 'cancel') return 'unanswered';
  return response.action === 'accept' && response.content?.[KEY] === true ? 'yes' : 'no';
}
