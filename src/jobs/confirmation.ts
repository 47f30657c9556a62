/** Whether a call may spend its price without asking, after asking, or not at all. */
import type { CreditRange } from '../core/credits.ts';
import { FluxError } from '../core/failure.ts';
import type { BudgetSettings } from '../limits/budget.ts';

/**
 * What became of the question to the user. `no`: declined, or the form came back without a yes. `unanswered`: closed,
 * or the host gave no answer that can be read.
 */
export type Answer = 'yes' | 'no' | 'unanswered';

export type ConsentInput = {
  quote: CreditRange;
  /** What the caller said it accepts to spend. */
  accepted: number | undefined;
  /** Whether somebody can be asked; `unanswered`: not by this host, which left an earlier question without an answer. */
  canAsk: boolean | 'unanswered';
  answer: Answer | undefined;
  /** The tool to call again. */
  tool: string;
};

/**
 * @returns `ask`: the user has to be asked first; nothing may happen before
 * @throws FluxError of kind `not_confirmed`
 */
export function consentTo(
  input: ConsentInput,
  settings: Pick<BudgetSettings, 'confirmAboveCredits'>,
): 'granted' | 'ask' {
  const { quote, accepted, canAsk, answer } = input;
  if (answer === 'no') throw refusedByUser();
  if (quote.max <= settings.confirmAboveCredits) return 'granted';
  if (accepted !== undefined && accepted >= quote.max) return 'granted';
  if (answer === 'yes') return 'granted';
  if (answer === undefined && canAsk === true) return 'ask';
  throw notConfirmed(input, settings.confirmAboveCredits);
}

/** Names no way to order in spite of it. */
function refusedByUser(): FluxError {
  return new FluxError({
    kind: 'not_confirmed',
    message: 'The user did not confirm. Do not order unless the user now says yes.',
    creditsSpent: 'no',
    retry: 'no',
    remedy: 'Tell the user that nothing was ordered.',
  });
}

function notConfirmed({ quote, canAsk, answer, tool }: ConsentInput, threshold: number): FluxError {
  const price = `The call may cost ${quote.min} to ${quote.max} credits. Above ${threshold} it must be confirmed`;
  const unanswered = canAsk === 'unanswered' ? ': it left an earlier question unanswered' : '';
  const message =
    answer === undefined
      ? `${price}, and this host cannot ask the user${unanswered}. Nothing was sent.`
      : `The question was not answered. Nothing was spent, because nothing was sent. ${price}.`;
  return new FluxError({
    kind: 'not_confirmed',
    message,
    creditsSpent: 'no',
    retry: 'later',
    remedy: `Tell the user the price; only if the user agrees, call ${tool} again with the same arguments and max_credits ${quote.max}.`,
  });
}
