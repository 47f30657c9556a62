/** The kinds of deterministic runs; `run.ts` plays them one after the other. */
import type { Mode } from './mode.ts';
import { seededSchedules } from './seeded-schedules.ts';
import { stopAtEveryStep } from './stop-at-every-step.ts';

export const MODES: readonly Mode[] = [seededSchedules, stopAtEveryStep];
