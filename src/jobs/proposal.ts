/** Decides in one fixed sequence whether a call may order its pictures, before anything is reserved, recorded or sent. */
import type { CreditRange } from '../core/credits.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { Order } from '../core/image-request.ts';
import type { Job } from '../core/job.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import { type BudgetSettings, checkBalance, checkCall, estimateOf } from '../limits/budget.ts';
import { type Confirmation, confirm } from './confirmation.ts';
import type { JobsDeps } from './deps.ts';
import type { Duplicates } from './duplicates.ts';
import type { Waits } from './waits.ts';

export type ProposeOptions = Confirmation & {
  /** A call for several pictures, of which each repeats the same one of the same call before. */
  isBatch: boolean;
  /** Ends the wait for news of duplicates, never a job. */
  signal?: AbortSignal;
};

/** What may be committed: `duplicates` has the job that each order would only repeat, resumed where it was idle. */
export type ReadyProposal = {
  type: 'ready';
  orders: readonly Order[];
  duplicates: readonly (Job | undefined)[];
  /** Of all that is new. */
  estimate: CreditRange;
  isBatch: boolean;
};

export type Proposal =
  | { type: 'refused'; failure: Failure }
  /** The user has to be asked first whether `added`, all that is new, may be ordered for that price. */
  | { type: 'ask'; added: readonly Order[]; estimate: CreditRange }
  | ReadyProposal;

export type ProposalDeps = JobsDeps & { duplicates: Duplicates; waits: Waits };

export async function propose(
  orders: readonly Order[],
  options: ProposeOptions,
  deps: ProposalDeps,
  settings: BudgetSettings,
): Promise<Proposal> {
  try {
    return await decide(orders, options, deps, settings);
  } catch (error) {
    if (error instanceof FluxError) return { type: 'refused', failure: error.failure };
    throw error;
  }
}

/** @throws FluxError when the call is refused */
async function decide(
  orders: readonly Order[],
  options: ProposeOptions,
  deps: ProposalDeps,
  settings: BudgetSettings,
): Promise<Proposal> {
  const { isBatch, accepted, signal } = options;
  const unavailable = deps.provider.unavailable();
  if (unavailable !== undefined) throw new FluxError(unavailable);
  for (const order of orders) checkSecrets(order, deps.containsSecret);
  // A repeated call for several pictures accepts the price of those that are new by then.
  checkCall(estimateOf(orders), settings, isBatch ? undefined : accepted);

  const found = await deps.duplicates.of(orders, isBatch);
  const duplicates = await Promise.all(found.map((job) => job && deps.waits.resume(job, signal)));
  const added = orders.filter((_, at) => duplicates[at] === undefined);
  const estimate = estimateOf(added);
  // What is found again costs nothing, so that nobody is asked about it.
  if (added.length > 0) {
    checkCall(estimate, settings, accepted);
    const confirmation = confirm(estimate, options, settings);
    // Nobody is asked about a picture that could not be kept.
    await deps.checkFolders();
    if (confirmation === 'ask') return { type: 'ask', added, estimate };
    if (isBatch) checkBalance((await deps.limits.state()).rateState.balance, estimate, accepted, deps.clock.now());
  }
  return { type: 'ready', orders, duplicates, estimate, isBatch };
}

/**
 * An order that holds a secret of the user would be sent, recorded, reported and become the name of a file.
 * @throws FluxError of kind `bad_input` that does not repeat the secret
 */
function checkSecrets({ request, fileName = '' }: Order, containsSecret: ContainsSecret = () => false): void {
  const hasSecret = (text: string): boolean => containsSecret(text) || containsSecret(asFileName(text));
  const field = hasSecret(request.prompt) ? 'prompt' : hasSecret(fileName) ? 'file_name' : undefined;
  if (field === undefined) return;
  throw new FluxError({
    kind: 'bad_input',
    message: `The ${field} contains a secret of this server, such as the API key, so nothing was sent.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy:
      'Remove the secret from the text and call again. Tell the user that the secret was in it: a key that others may have seen should be replaced at Doitong.',
  });
}

/** What is between words becomes a dash there, which could make a secret of words that are none. */
function asFileName(text: string): string {
  return text.replace(/[^\p{L}\p{N}\p{M}]+/gu, '-');
}
