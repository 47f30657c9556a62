/** Refuses an order that holds a secret of the user: it would be sent, recorded, told and become the name of a file. */
import { FluxError } from '../core/failure.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import type { Entry } from './orders.ts';

/** @throws FluxError of kind `bad_input` that does not repeat the secret */
export function checkSecrets({ request, fileName = '' }: Entry, containsSecret: ContainsSecret): void {
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
