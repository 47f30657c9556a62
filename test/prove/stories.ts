/** What is played again and again, each time with a power failure or an error of the disk somewhere else. */
import { batch, type Intent, type Stage, type StageOptions, single } from './stage.ts';
import { NO_TROUBLE, type Trouble } from './virtual-service.ts';

export type Story = {
  name: string;
  intent: Intent;
  settings: NonNullable<StageOptions['settings']>;
  /** The folders are there, as after an earlier order. */
  isWarm?: true;
  /** Of the service, until all is to end well. */
  trouble?: Partial<Trouble>;
  repliesToLose?: number;
};

const PRO = { plan: 'pro' } as const;
const THREE = batch(['a fox', 'a hen', 'a fox']);

export const STORIES: readonly Story[] = [
  { name: 'the first order in a fresh folder', intent: single('a fox'), settings: PRO },
  { name: 'another order', intent: single('a fox'), settings: { plan: 'free' }, isWarm: true },
  { name: 'three pictures', intent: THREE, settings: { plan: 'starter', maxCreditsPerDay: 100 }, isWarm: true },
  { name: 'a lost reply', intent: single('a fox'), settings: PRO, isWarm: true, repliesToLose: 1 },
  { name: 'a late picture', intent: single('a fox'), settings: PRO, isWarm: true, trouble: { hidesPicture: 1 } },
  { name: 'a refused order', intent: single('a fox'), settings: PRO, isWarm: true, trouble: { moderated: 1 } },
];

/** What comes before it, without a fault: an order that was refused leaves all folders, and costs nothing. */
export async function prepare(stage: Stage, { isWarm, trouble, repliesToLose = 0 }: Story): Promise<void> {
  const { service, world } = stage;
  if (isWarm) {
    service.trouble = { ...NO_TROUBLE, moderated: 1 };
    const earlier = stage.start({ name: 'earlier' });
    await stage.call(earlier, single('something that is not made'));
    await earlier.jobs.close();
    await world.outside.clock.sleep(1_000);
  }
  service.trouble = { ...NO_TROUBLE, ...trouble };
  service.repliesToLose = repliesToLose;
}
