/**
 * One process orders while its disk fails: each of its operations, with each error, once, several times, or until the disk
 * is repaired, before or after it has taken effect. Then the call is repeated, by the same process and by another one.
 */
import { type Fault, FAULT_CODES, faultyHooks, type FaultyHooks } from './faults.ts';
import { type CaseResult, type Mode, sample } from './mode.ts';
import { withSeededNames } from './seeded-names.ts';
import { diskDelays, type Outcome, Stage } from './stage.ts';
import { prepare, STORIES, type Story } from './stories.ts';
import type { Program } from './virtual-program.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const LIMIT_MS = 40 * HOUR_MS;
/** A call waits 20 s for its pictures, and nobody should have to wait much longer because of a disk. */
const ANSWER_MS = 40 * SECOND_MS;
/** After so long nobody takes a process that does nothing for one that is about to record an order. */
const IDLE_MS = 5 * SECOND_MS;
const REPAIRED_AFTER_MS = 3 * MINUTE_MS;

/** In the long form: two of each operation. With 20 times as many all are played, which takes more than an hour. */
const RUNS = 5_000;

/** More than there are. */
const ALL = 100_000;
const READS = new Set(['list', 'read', 'stat']);

const TIMES = [1, 2, 3, Number.POSITIVE_INFINITY] as const;
const MOMENTS = ['before', 'after'] as const;

/** Who goes on. */
const ENDINGS = ['repeated by both', 'repeated by another', 'killed'] as const;

type Case = { story: Story; fault: Fault; ending: (typeof ENDINGS)[number] };

/** Of one operation. */
const FAULTS: readonly Omit<Fault, 'at'>[] = MOMENTS.flatMap((moment) =>
  TIMES.flatMap((times) => FAULT_CODES.map((code) => ({ code, times, moment }))),
);

export const faultSweep: Mode = {
  name: 'fault sweep',
  async *play({ seed, runs = RUNS, only }) {
    const cases: Case[] = [];
    for (const story of STORIES) {
      const { calls } = await playFault({ story, fault: NONE, ending: 'repeated by both' }, seed);
      for (let at = 1; at <= calls.length; at += 1)
        for (const [number, fault] of FAULTS.entries()) {
          // Most operations read, and what fails to be read changes nothing: a sample has fewer of them.
          if (only === undefined && runs < ALL && READS.has(calls[at - 1] ?? '') && (at + number) % 5 > 0) continue;
          cases.push({ story, fault: { ...fault, at }, ending: ENDINGS[(at + number) % ENDINGS.length] ?? 'killed' });
        }
    }
    const wanted = only === undefined ? sample(cases, seed, runs) : cases.filter((one) => nameOf(one) === only);
    for (const one of wanted) yield (await playFault(one, seed)).result;
  },
};

const NONE: Fault = { code: 'EIO', at: Number.POSITIVE_INFINITY, times: 0, moment: 'before' };

function nameOf({ story, fault: { code, at, times, moment }, ending }: Case): string {
  const often = Number.isFinite(times) ? `${times} times` : 'lasting';
  return `${story.name}, ${code} ${often} ${moment} operation ${at}, ${ending}`;
}

async function playFault(one: Case, seed: number): Promise<{ result: CaseResult; calls: readonly string[] }> {
  return withSeededNames(seed, async () => {
    const stage = new Stage({ seed, settings: one.story.settings });
    const { world, audit, service } = stage;
    const faulty = faultyHooks(one.fault);
    const work = playStory(stage, one, faulty);
    await world.during(work, LIMIT_MS).catch((error: unknown) => audit.breach('no end', String(error)));
    const { breaches, trace } = audit;
    const counted = { intents: audit.wanted.size, charges: service.charges.length };
    return {
      result: { name: nameOf(one), seed, ...counted, breaches, trace },
      calls: faulty.operations.map(({ call }) => call),
    };
  });
}

async function playStory(stage: Stage, { story, fault, ending }: Case, faulty: FaultyHooks): Promise<void> {
  const { clock } = stage.world.outside;
  const intent = stage.intend(story.intent);
  await prepare(stage, story);
  const first = stage.start({ name: 'first', stepDelayMs: diskDelays }, noted(stage, faulty));
  // What it could not record it may close itself.
  stage.audit.disturbed.add(first.session);
  const outcome = await answered(stage, first, story);
  if (fault === NONE) {
    await clock.sleep(2 * SECOND_MS);
    return;
  }
  // What could not be given back at once, because the disk failed again, is given back later.
  if (fault.times === 1 && outcome !== 'hangs') await stage.audit.checkNothingReserved(false);
  if (!Number.isFinite(fault.times)) {
    await answered(stage, first, story);
    await clock.sleep(REPAIRED_AFTER_MS);
  }
  faulty.repair();
  stage.audit.note('the disk is repaired');
  const second = stage.start({ name: 'second', stepDelayMs: diskDelays });
  await clock.sleep(IDLE_MS);
  // As `check_rate_limits` does it.
  await second.jobs.limits();
  // The first one may have closed its order at that moment, and be about to give back what was reserved.
  await clock.sleep(SECOND_MS);
  if (outcome !== 'hangs') await stage.audit.checkNothingReserved(true);
  if (ending === 'killed') stage.kill(first);
  const calls = [answered(stage, second, story)];
  if (ending === 'repeated by both') calls.push(answered(stage, first, story));
  await Promise.all(calls);
  await stage.finish(second, [intent]);
}

/** The faults, with a line for each in what happened. */
function noted({ audit }: Stage, { before, after }: FaultyHooks): Pick<FaultyHooks, 'before' | 'after'> {
  const noting =
    (hook: FaultyHooks['before'], when: string): FaultyHooks['before'] =>
    async (operation) =>
      hook(operation).catch((error: unknown) => {
        audit.note(`  fails ${when}: ${operation.call} ${operation.to ?? operation.path}`);
        throw error;
      });
  return { before: noting(before, 'before'), after: noting(after, 'after') };
}

async function answered(stage: Stage, program: Program, { intent }: Story): Promise<Outcome | 'hangs'> {
  const { audit, world } = stage;
  const tooLong = world.outside.clock.sleep(ANSWER_MS).then(() => 'hangs' as const);
  const outcome = await Promise.race([stage.call(program, intent), tooLong]);
  if (outcome === 'hangs') audit.breach('no end', `${program.session} has no answer about ${intent.name}`);
  return outcome;
}
