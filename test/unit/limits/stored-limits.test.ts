/** Proves that the shared values come back from disk as they were, and that nothing else is taken for one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyRateState, rateStateSchema, type RateState } from '../../../src/limits/rate-state.ts';
import { emptyReservations, reservationsSchema, type Reservations } from '../../../src/limits/reservations.ts';
import { owner } from '../core/sample-jobs.ts';

const NOW = 1_800_000_000_000;
const at = fc.integer({ min: 0, max: NOW * 2 });
const credits = fc.nat(100_000);

const traffics: fc.Arbitrary<RateState> = fc.record(
  {
    permits: fc.array(at),
    window: fc.record({ limit: credits, remaining: credits, resetsAt: at, pausedUntil: at }, { requiredKeys: [] }),
    balance: fc.record({ credits, at }),
    writtenAt: at,
  },
  { requiredKeys: ['permits', 'window', 'writtenAt'] },
);
const snapshots: fc.Arbitrary<Reservations> = fc.record({
  days: fc.dictionary(fc.nat(100_000).map(String), fc.record({ images: credits, credits }, { noNullPrototype: true }), {
    noNullPrototype: true,
  }),
  entries: fc.array(
    fc.record(
      {
        id: fc.string(),
        fingerprint: fc.string(),
        at,
        owner: fc.constantFrom(owner(1), owner(2)),
        maxCredits: credits,
        exactCredits: credits,
        slot: fc.boolean(),
        end: fc.record({ at, outcome: fc.constantFrom('picture', 'nothing', 'free', 'unknown'), day: fc.nat(100_000) }),
      },
      { requiredKeys: ['id', 'fingerprint', 'at', 'owner', 'maxCredits', 'slot'] },
    ),
  ),
  slotsChangedAt: at,
});

const asStored = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('what the limits keep', () => {
  it('comes back as it was written, whole', () => {
    fc.assert(
      fc.property(traffics, snapshots, (rateState, reservations) => {
        expect(rateStateSchema.parse(asStored(rateState))).toEqual(rateState);
        expect(reservationsSchema.parse(asStored(reservations))).toEqual(reservations);
      }),
    );
  });

  it.each([undefined, null, [], {}, { day: 1 }, { ...emptyReservations(NOW), entries: [{ id: 'job_1' }] }])(
    'is not taken from anything else: %j',
    (stored) => {
      expect(reservationsSchema.safeParse(stored).success).toBe(false);
    },
  );

  it('is not taken from the other value', () => {
    expect(reservationsSchema.safeParse(emptyRateState(NOW)).success).toBe(false);
    expect(rateStateSchema.safeParse(emptyReservations(NOW)).success).toBe(false);
  });
});
