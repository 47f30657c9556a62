/** Where a caller may have the end of a job announced: nowhere but at the origin that the user has set. */
import { FluxError } from '../core/failure.ts';
import { WEBHOOK_URL_MAX_CHARACTERS, webhookUrlOf } from '../core/webhook-url.ts';

/**
 * The address in normal form.
 * @param asked by whoever calls: what the service posts there tells of the user's pictures
 * @param set the user's own address
 * @throws FluxError of kind `bad_input`; nothing was sent
 */
export function webhookTarget(asked: string, set: string | undefined): string {
  const url = webhookUrlOf(asked);
  if (url === undefined || !url.startsWith('https:')) {
    const rule = `an https URL with a path, of at most ${WEBHOOK_URL_MAX_CHARACTERS} characters, without user and fragment`;
    throw refused(`it is not ${rule}`, 'Correct webhook_url or leave it out.');
  }
  if (set === undefined) {
    throw refused(
      'DOITONG_WEBHOOK_URL is not set, and only its origin is allowed',
      'Leave webhook_url out: the answer and get_job_status tell the end of the job as well. Only the user can set DOITONG_WEBHOOK_URL.',
    );
  }
  const [origin, allowed] = [new URL(url).origin, new URL(set).origin];
  if (origin === allowed) return url;
  throw refused(
    `its origin is ${origin}, and that of DOITONG_WEBHOOK_URL, the only one allowed, is ${allowed}`,
    `Leave webhook_url out, or give one at ${allowed}.`,
  );
}

function refused(why: string, remedy: string): FluxError {
  return new FluxError({
    kind: 'bad_input',
    message: `webhook_url cannot be used: ${why}. Nothing was sent.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy,
  });
}
