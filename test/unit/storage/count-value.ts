/** A shared value for tests: a number that is counted up. */
import type { ValueSpec } from '../../../src/core/shared-value.ts';

export type Count = { count: number };

export const COUNT: ValueSpec<Count> = {
  name: 'count',
  parse: (stored) => {
    const { count } = (stored ?? {}) as Partial<Count>;
    return typeof count === 'number' ? { count } : undefined;
  },
  initial: () => ({ count: 100 }),
};

export const increased = ({ count }: Count) => ({ value: { count: count + 1 }, result: count });
