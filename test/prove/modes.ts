/** The kinds of deterministic runs; `run.ts` plays them one after the other. */
import { faultSweep } from './fault-sweep.ts';
import type { Mode } from './mode.ts';
import { powerFailures } from './power-failures.ts';
import { seededSchedules } from './seeded-schedules.ts';
import { stopAtEveryStep } from './stop-at-every-step.ts';

export const MODES: readonly Mode[] = [seededSchedules, stopAtEveryStep, powerFailures, faultSweep];
