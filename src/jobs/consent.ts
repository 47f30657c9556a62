/** Whether a call may spend its price without asking, after asking, or not at all. */
import type { CreditRange } from '../core/credits.ts';
import { FluxError } from '../core/failure.ts';
import type { BudgetSettings } from './budget.ts';

/** What became of the question to the user; `unanswered`: declined or dismissed, possibly by the host on its own. */
export type Answer = 'yes' | 'unanswered';

export type ConsentInput = {
  quote: CreditRange;
  /** What the caller said it accepts to spend. */
  accepted: number | undefined;
  /** Whether somebody can be asked. */
  canAsk: boolean;
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
  if (quote.max <= settings.confirmAboveCredits) return 'granted';
  if (accepted !== undefined && accepted >= quote.max) return 'granted';
  if (answer === 'yes') return 'granted';
  if (answer === undefined && canAsk) return 'ask';
  throw notConfirmed(input, settings.confirmAboveCredits);
}

function notConfirmed({ quote, answer, tool }: ConsentInput, threshold: number): FluxError {
  const asked =
    answer === undefined
      ? 'and this host cannot ask the user'
      : 'and the question was not answered with yes; the host may have answered it without asking anybody, so this is not the refusal of the user';
  return new FluxError({
    kind: 'not_confirmed',
    message: `The call may cost ${quote.min} to ${quote.max} credits. Above ${threshold} it must be confirmed, ${asked}. Nothing was sent.`,
    creditsSpent: 'no',
    retry: 'later',
    remedy: `Tell the user the price; if the user agrees, call ${tool} again with the same arguments and max_credits ${quote.max}.`,
  });
}
