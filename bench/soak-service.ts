/** The sandbox in a process of its own, on a clock that runs ahead, so that its memory is not counted. */

import { startSandbox } from '../sandbox/sandbox.ts';
import { createSharedClock } from './shared-clock.ts';

const base = JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof createSharedClock>[0];
const clock = createSharedClock(base);
const sandbox = await startSandbox({
  plan: 'enterprise',
  seed: 'soak',
  credits: 1e9,
  jobDurationMs: 2_000,
  now: () => Math.round(clock.now()),
});
process.on('message', () => {
  const { charges, jobs, submissions } = sandbox.inspect();
  process.send?.({ charges: charges.map(({ jobId }) => jobId), jobs: jobs.length, submissions });
});
process.send?.({ url: sandbox.url, key: sandbox.key });
