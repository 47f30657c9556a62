/** Several processes that each carry their orders out to the end, and what they told. */
import type { Crew } from './crew.ts';
import type { ProcessClock } from './process-clock.ts';
import type { WorkerMessage, WorkerTask } from './worker-task.ts';

type Reported = Exclude<WorkerMessage, { type: 'recovered' | 'problem' }>;

/** For each task what its process told, in order. @throws when a process ends otherwise than by itself */
export async function callTogether(
  crew: Crew,
  clock: ProcessClock,
  tasks: readonly WorkerTask[],
): Promise<Reported[][]> {
  const calls = Promise.all(
    tasks.map(async (task) => {
      const reported: Reported[] = [];
      const problems: string[] = [];
      const worker = crew.start(clock, task, (message) => {
        if (message.type === 'problem') problems.push(message.text);
        else if (message.type !== 'recovered') reported.push(message);
      });
      const { code, signal } = await worker.ended;
      if (code !== 0 || problems.length > 0) {
        throw new Error(`a process ended with ${code ?? signal}: ${problems.join('\n')}${worker.stderr()}`);
      }
      return reported;
    }),
  );
  return clock.during(calls);
}
