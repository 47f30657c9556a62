/** What the server tells an agent about itself once, at the beginning of a session. */

/** Claude Code cuts it at 2,048 characters. */
export function instructions(sandbox: boolean): string {
  const flow = [
    'flux-pro-mcp makes pictures with Flux Pro. Every generate_image call orders and pays for one new picture.',
    'Flow: call generate_image once; it waits for the picture. If it answers with a status other than "completed" or',

    'call get_job_status with that job_id and wait_seconds 45 until status is "completed" or "failed".',
    'Never call generate_image again for the same picture because of a time-out or a lost answer: get_job_status',
    'finishes the job that is already paid for. After a crash or a restart look at list_jobs first.',
    'For several pictures call generate_images once: it keeps the limits by itself; repeated with the same arguments it',
    'finds its own jobs and orders nothing twice.',
    'A call that may cost more than the user allows without asking answers with the price: ask the user, then repeat it',
    'with max_credits.',
    'A finished picture is saved on disk: tell the user the file path. Errors say whether credits were spent and what',
    'to do next; follow their "Next:" line. Before ordering several pictures, check_rate_limits shows what the plan allows.',
  ];
  const note =
    'This server runs against the built-in sandbox: pictures are test pictures and no real credits are spent.';
  return [...flow, ...(sandbox ? [note] : [])].join(' ');
}
