/**
 * One process orders, and stands still before each of its steps in turn: what it has begun is half done, and it does not
 * know that time passes. Another process repeats the call and orders something else meanwhile. Then the first one goes on
 * as if nothing had happened, or never does.
 */
import { type CaseResult, type Mode, sample } from './mode.ts';
import { withSeededNames } from './seeded-names.ts';
import { batch, diskDelays, type Intent, type Outcome, Stage, single, TAKEN_OVER_MS } from './stage.ts';
import type { Program, ProgramSettings } from './virtual-program.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const LIMIT_MS = 40 * HOUR_MS;

type Story = {
  name: string;
  intent: Intent;
  settings: Partial<ProgramSettings>;
  /** What has happened before. */
  before?: (stage: Stage, intent: Intent) => Promise<void>;
};

const THREE = batch(['a fox', 'a hen', 'a fox']);

const STORIES: readonly Story[] = [
  { name: 'one picture', intent: single('a fox'), settings: { plan: 'free' } },
  { name: 'three pictures', intent: THREE, settings: { plan: 'starter', maxCreditsPerDay: 100 } },
  { name: 'an order of a dead process', intent: single('a fox'), settings: { plan: 'starter' }, before: killedAmid(0) },
  { name: 'a picture of a dead process', intent: THREE, settings: { plan: 'pro' }, before: killedAmid(2 * SECOND_MS) },
  {
    name: 'a lost reply',
    intent: single('a fox'),
    settings: { plan: 'pro' },
    before: async ({ service }) => {
      service.repliesToLose = 1;
    },
  },
];

/** `pauseMs`: for so long it stands still. Absent: for ever. */
type Ending = { name: string; pauseMs?: number };

const ENDINGS: readonly Ending[] = [
  { name: 'killed' },
  // Shorter than it takes to be taken for gone, and longer.
  { name: 'for 3 s', pauseMs: 3 * SECOND_MS },
  { name: 'for 40 s', pauseMs: 40 * SECOND_MS },
  { name: 'for 10 min', pauseMs: 10 * MINUTE_MS },
  // Longer than an order without an answer is sent again by itself.
  { name: 'for 3 h', pauseMs: 3 * HOUR_MS },
];

const READS = /^(?:list|read|stat) /u;
const READS_COUNTED = 8;

type Stop = { story: Story; at: number; ending: Ending };

export const stopAtEveryStep: Mode = {
  name: 'stop at every step',
  async *play({ seed, runs, only }) {
    const stops: Stop[] = [];
    for (const story of STORIES) {
      const steps = await stepsOf(story, seed);
      // Neighbouring steps end differently.
      for (let at = 1; at <= steps; at += 1)
        for (const shift of [0, 2]) stops.push({ story, at, ending: ENDINGS[(at + shift) % ENDINGS.length] as Ending });
    }
    const wanted = only === undefined ? sample(stops, seed, runs) : stops.filter((stop) => nameOf(stop) === only);
    for (const stop of wanted) yield (await playStop(stop, seed)).result;
  },
};

const nameOf = ({ story, at, ending }: Stop): string => `${story.name}, stopped before step ${at} ${ending.name}`;

async function stepsOf(story: Story, seed: number): Promise<number> {
  return (await playStop({ story, at: Number.POSITIVE_INFINITY, ending: { name: 'never' } }, seed)).steps;
}

async function playStop(stop: Stop, seed: number): Promise<{ result: CaseResult; steps: number }> {
  const { story, at, ending } = stop;
  return withSeededNames(seed, async () => {
    let steps = 0;
    let readsInARow = 0;
    let onStop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      onStop = resolve;
    });
    let first: Program | undefined;
    const stage: Stage = new Stage({
      seed,
      settings: story.settings,
      beforeEvent({ process, label }) {
        if (first === undefined || process !== first.process.name || label === 'sleep' || label === 'deadline') return;
        // Who only waits reads the same again and again.
        readsInARow = READS.test(label) ? readsInARow + 1 : 0;
        if (readsInARow > READS_COUNTED) return;
        steps += 1;
        if (steps !== at) return;
        stage.audit.note(`${first.session} stands still before: ${label}`);
        stage.audit.disturbed.add(first.session);
        first.process.freeze();
        onStop();
      },
    });
    const { world, audit, service } = stage;
    const play = async (): Promise<void> => {
      const intent = stage.intend(story.intent);
      await story.before?.(stage, intent);
      first = stage.start({ name: 'first', stepDelayMs: diskDelays });
      const call = stage.call(first, intent);
      if ((await Promise.race([stopped, call])) !== undefined) {
        // It was not stopped: what it did from now on is not counted.
        first = undefined;
        return;
      }
      await playOthers(stage, first, intent, ending, call);
    };
    await world.during(play(), LIMIT_MS).catch((error: unknown) => audit.breach('no end', String(error)));
    const { breaches, trace } = audit;
    const intents = audit.wanted.size;
    return { result: { name: nameOf(stop), seed, intents, charges: service.charges.length, breaches, trace }, steps };
  });
}

/** What the others do while the first one stands still, and how it ends. */
async function playOthers(
  stage: Stage,
  first: Program,
  intent: Intent,
  { pauseMs }: Ending,
  call: Promise<Outcome>,
): Promise<void> {
  const { world, audit } = stage;
  const { clock } = world.outside;
  const second = stage.start({ name: 'second', stepDelayMs: diskDelays });
  if (pauseMs === undefined) stage.kill(first);
  const other = stage.intend(single('an owl'));
  const calls = [stage.call(second, intent), clock.sleep(SECOND_MS).then(() => stage.call(second, other))];
  const isGone = pauseMs === undefined || pauseMs > TAKEN_OVER_MS;
  await clock.sleep(isGone ? TAKEN_OVER_MS : pauseMs);
  if (isGone) await audit.checkTakenOver((session) => session === first.session, TAKEN_OVER_MS);
  if (pauseMs !== undefined) {
    if (isGone) await clock.sleep(pauseMs - TAKEN_OVER_MS);
    audit.note(`${first.session} goes on`);
    first.process.thaw();
    await Promise.race([call, clock.sleep(10 * MINUTE_MS)]);
  }
  await Promise.all(calls);
  await stage.finish(second, [intent, other]);
}

/** Another process has made the same call, and was killed so long after its first charge. */
function killedAmid(afterMs: number): NonNullable<Story['before']> {
  return async (stage, intent) => {
    const { service, world } = stage;
    const dead = stage.start({ name: 'dead', stepDelayMs: diskDelays });
    void stage.call(dead, intent);
    while (service.charges.length < intent.orders.length) await world.outside.clock.sleep(10);
    await world.outside.clock.sleep(afterMs);
    stage.kill(dead);
  };
}
