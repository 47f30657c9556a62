/** Whether a call may spend its price without asking, after asking, or not at all. */
import type { CreditRange } from '../core/credits.ts';
import { FluxError } from '../core/failure.ts';
import type { BudgetSettings } from '../limits/budget.ts';

/**
 * What became of the question to the user. `no`: declined, or the form came back without a yes. `unanswered`: closed,
 * or the host gave no answer that can be read.
 */
export type Answer = 'yes' | 'no' | 'unanswered';

export type Confirmation = {
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
export function confirm(
  estimate: CreditRange,
  confirmation: Confirmation,
  { confirmAboveCredits }: Pick<BudgetSettings, 'confirmAboveCredits'>,
): 'granted' | 'ask' {
  const { accepted, canAsk, answer } = confirmation;
  if (answer === 'no') throw refusedByUser();
  if (estimate.max <= confirmAboveCredits) return 'granted';
  if (accepted !== undefined && accepted >= estimate.max) return 'granted';
  if (answer === 'yes') return 'granted';
  if (answer === undefined && canAsk === true) return 'ask';
  throw notConfirmed(estimate, confirmation, confirmAboveCredits);
}

/** Does not say how to order in spite of it. */
function refusedByUser(): FluxError {
  return new FluxError({
    kind: 'not_confirmed',
    message: 'The user did not confirm. Do not order unless the user now says yes.',
    creditsSpent: 'no',
    retry: 'no',
    remedy: 'Tell the user that nothing was ordered.',
  });
}

function notConfirmed(estimate: CreditRange, { canAsk, answer, tool }: Confirmation, threshold: number): FluxError {
  const price = `The call may cost ${estimate.min} to ${estimate.max} credits. Above ${threshold} it must be confirmed`;
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
    remedy: `Tell the user the price; only if the user agrees, call ${tool} again with the same arguments and max_credits ${estimate.max}.`,
  });
}
