/** What the server says about itself to an agent once, at the start of a session. */

// A whole sentence per entry, so that an edit cannot lose half of one. Claude Code cuts all of it at 2,048 characters.
const SENTENCES = [
  'flux-pro-mcp makes pictures with Flux Pro, a paid service: every new order costs credits.',
  'For one picture call generate_image once, for several call generate_images once; check_rate_limits says how many the plan and the budget allow.',
  'If a job comes back as "queued", "submitting" or "processing", call get_job_status with its job_id and wait_seconds 45, and repeat that, as its "Next:" line says, until its status is "completed" with a file, "failed" or "unknown".',
  'Never call generate_image again for the same picture because of a time-out, a lost answer or a restart: find its job with list_jobs, and call get_job_status.',
  "If a call may cost more than the user's confirmation threshold, the user is asked, or the answer names the price; in that case ask the user, and repeat the call with max_credits only after a yes.",
  'When a picture is finished, tell the user its file path.',
  'Errors say whether credits were spent and what to do next; follow their "Next:" line.',
];

const SANDBOX_NOTE =
  'This server runs against the built-in sandbox: pictures are test pictures, and no real credits are spent.';

export function instructions(sandbox: boolean, otherOrigin?: string): string {
  const origin = otherOrigin === undefined ? [] : [otherOriginText(otherOrigin)];
  return [...SENTENCES, ...origin, ...(sandbox ? [SANDBOX_NOTE] : [])].join('\n');
}

/** @param origin where the key goes instead of the provider's own address */
export function otherOriginText(origin: string): string {
  return `DOITONG_API_URL sends orders and the key to ${origin}, not to the Doitong service's own address.`;
}
