/** Two processes with one folder whose clocks differ by minutes, as on two machines. */
import { describe, expect, it } from 'vitest';
import { withSeededNames } from './seeded-names.ts';
import { batch, diskDelays, Stage } from './stage.ts';

const MINUTE_MS = 60_000;

describe('two processes whose clocks differ by minutes', () => {
  it('that want the same pictures at the same moment order them once, and both get them', async () => {
    for (let seed = 1; seed <= 8; seed += 1)
      await withSeededNames(seed, async () => {
        const stage = new Stage({ seed });
        const { world, audit, service } = stage;
        const [one, two] = [0, 7 * MINUTE_MS].map((offsetMs, at) =>
          stage.start({
            name: `machine ${at + 1}`,
            offsetMs,
            stepDelayMs: (label) => diskDelays(label) * world.outside.clock.random(),
          }),
        );
        if (one === undefined || two === undefined) throw new Error('there are two of them');
        const pictures = stage.intend(batch(['a fox', 'a hen', 'a fox']));
        const outcomes = await world.during(Promise.all([one, two].map((program) => stage.call(program, pictures))));
        const states = outcomes.map((outcome) =>
          outcome.type === 'jobs' ? outcome.jobs.map(({ state }) => state) : outcome,
        );
        // Who has waited long enough has all of them; nobody is told that an order has failed.
        expect(states.flat(), `seed ${seed}\n${audit.trace.join('\n')}`).not.toContain('failed');
        expect(service.charges).toHaveLength(3);
        await world.during(stage.finish(one, [pictures]));
        expect(audit.breaches, `seed ${seed}\n${audit.trace.join('\n')}`).toEqual([]);
      });
  });
});
