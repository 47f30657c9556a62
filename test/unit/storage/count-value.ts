/** A shared value for tests: a number that is counted up. */
import * as z from 'zod';
import type { ValueSpec } from '../../../src/core/shared-value.ts';

export type Count = { count: number };

export const COUNT: ValueSpec<Count> = {
  name: 'count',
  schema: z.object({ count: z.number() }),
  initial: () => ({ count: 100 }),
};

export const increased = ({ count }: Count) => ({ value: { count: count + 1 }, result: count });
