/**
 * One process orders, and the power fails before each thing that happens, on the disk or at the service. From each state
 * that this may leave on the disk, new processes go on: at once or later, with the call repeated by one of them or by two.
 * The service lives on, with its books, and with what had left before.
 */
import { type CaseResult, type Mode, sample } from './mode.ts';
import type { Event } from './virtual-world.ts';
import { withSeededNames } from './seeded-names.ts';
import { diskDelays, type Outcome, Stage, TAKEN_OVER_MS } from './stage.ts';
import { prepare, STORIES, type Story } from './stories.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const LIMIT_MS = 40 * HOUR_MS;

/** In the long form. Many more play each state at each moment once. */
const RUNS = 4_000;
/** Of each kind of state that is drawn. */
const DRAWS = 6;

type Ending = {
  name: string;
  /** So long after the start of the first process the call is repeated. */
  repeatAfterMs: number;
  processes: 1 | 2;
};

const ENDINGS: readonly Ending[] = [
  { name: 'then the same call at once', repeatAfterMs: 0, processes: 1 },
  { name: 'then the same call after 30 s', repeatAfterMs: 30 * SECOND_MS, processes: 1 },
  { name: 'then the same call of two processes', repeatAfterMs: 0, processes: 2 },
  // Longer than an order without an answer is sent again by itself.
  { name: 'then the same call after 2 h', repeatAfterMs: 2 * HOUR_MS, processes: 1 },
];

/** `at`: the number of what does not happen any more. `pick`: which of the states is left then; beyond the last: from the first again. */
type Failure = { story: Story; at: number; pick: number; ending: Ending };

/** `moments`: the numbers of what happened right after something had changed. `states`: how many may be left. */
type Played = { result: CaseResult; moments: readonly number[]; states: number };

export const powerFailures: Mode = {
  name: 'power failures',
  async *play({ seed, runs = RUNS, only }) {
    const moments: Pick<Failure, 'story' | 'at'>[] = [];
    for (const story of STORIES)
      for (const at of (await playFailure(undisturbed(story), seed)).moments) moments.push({ story, at });
    if (only !== undefined) {
      const named = moments.flatMap((moment) => allAt(moment)).find((failure) => nameOf(failure) === only);
      if (named !== undefined) yield (await playFailure(named, seed)).result;
      return;
    }
    const picksOfEach = Math.ceil(runs / moments.length);
    for (const moment of sample(moments, seed, runs)) {
      let states = picksOfEach;
      for (let number = 0; number < Math.min(picksOfEach, states); number += 1) {
        // Else it would always be the first of them.
        const pick = ((seed + moment.at) % 41) + number;
        const played = await playFailure({ ...moment, pick, ending: ENDINGS[pick % ENDINGS.length] as Ending }, seed);
        states = played.states;
        yield played.result;
      }
    }
  },
};

const undisturbed = (story: Story): Failure => {
  return { story, at: Number.POSITIVE_INFINITY, pick: 0, ending: ENDINGS[0] as Ending };
};

function allAt(moment: Pick<Failure, 'story' | 'at'>): Failure[] {
  const picks = Array.from({ length: 500 }, (_, pick) => pick);
  return picks.flatMap((pick) => ENDINGS.map((ending) => ({ ...moment, pick, ending })));
}

const nameOf = ({ story, at, pick, ending }: Failure): string =>
  `${story.name}, power failure at ${at}, state ${pick}, ${ending.name}`;

async function playFailure(failure: Failure, seed: number): Promise<Played> {
  const { story, at, pick } = failure;
  return withSeededNames(seed, async () => {
    const moments: number[] = [];
    let states = 0;
    let isCounting = false;
    let count = 0;
    let hasChanged = false;
    let onFailure: () => void = () => undefined;
    const powerFailed = new Promise<'power failed'>((resolve) => {
      onFailure = () => resolve('power failed');
    });
    const stage: Stage = new Stage({
      seed,
      settings: story.settings,
      beforeEvent(event) {
        if (!isCounting) return;
        count += 1;
        if (hasChanged) moments.push(count);
        hasChanged = changes(event);
        if (count !== at) return;
        isCounting = false;
        const left = [...stage.disk.crashStates({ seed: seed + count, draws: DRAWS })];
        states = left.length;
        const state = left[pick % left.length];
        if (state === undefined) throw new Error('a disk without a state');
        stage.audit.note(`before ${event.process}: ${event.label}; left of the disk: ${state.name}`);
        stage.failPower(state.disk);
        onFailure();
      },
    });
    const { world, audit, service } = stage;
    const play = async (): Promise<void> => {
      const intent = stage.intend(story.intent);
      await prepare(stage, story);
      const first = stage.start({ name: 'first', stepDelayMs: diskDelays });
      isCounting = true;
      const call: Promise<Outcome> = stage.call(first, intent);
      const end = await Promise.race([powerFailed, call.then(() => world.outside.clock.sleep(2 * SECOND_MS))]);
      isCounting = false;
      if (end === 'power failed') await goOn(stage, failure);
    };
    await world.during(play(), LIMIT_MS).catch((error: unknown) => audit.breach('no end', String(error)));
    const { breaches, trace } = audit;
    const counted = { intents: audit.wanted.size, charges: service.charges.length };
    return { result: { name: nameOf(failure), seed, ...counted, breaches, trace }, moments, states };
  });
}

/** Whether a power failure after it may leave something else than before it. */
function changes({ process, label }: Event): boolean {
  return process === 'outside' || !/^(?:list|list-end|read|stat|sleep|deadline)\b/u.test(label);
}

/** After the power has come back. */
async function goOn(stage: Stage, { story, ending }: Failure): Promise<void> {
  const { world, audit } = stage;
  await audit.checkAfterPowerFailure();
  const programs = Array.from({ length: ending.processes }, (_, number) =>
    stage.start({ name: `after-${number + 1}`, stepDelayMs: diskDelays }),
  );
  const [program] = programs as [(typeof programs)[number]];
  // As any tool call does, one that orders nothing too.
  program.jobs.watch();
  if (ending.repeatAfterMs > 0) {
    await world.outside.clock.sleep(Math.min(ending.repeatAfterMs, TAKEN_OVER_MS));
    await audit.checkTakenOver((session) => programs.every((one) => one.session !== session), TAKEN_OVER_MS);
    await world.outside.clock.sleep(Math.max(0, ending.repeatAfterMs - TAKEN_OVER_MS));
  }
  const calls = programs.slice(1).map((other) => stage.call(other, story.intent));
  await stage.finish(program, [story.intent]);
  await Promise.all(calls);
}
