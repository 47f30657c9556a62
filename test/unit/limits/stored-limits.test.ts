/** Proves that the shared values come back from disk as they were, and that nothing else is taken for one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { emptyRateState, type RateState } from '../../../src/limits/rate-state.ts';
import { emptyReservations, type Reservations } from '../../../src/limits/reservations.ts';
import { rateStateForm, reservationsForm } from '../../../src/limits/stored-limits.ts';
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
  day: fc.nat(100_000),
  settled: fc.record({ images: credits, credits }),
  entries: fc.array(
    fc.record(
      {
        id: fc.string(),
        fingerprint: fc.string(),
        at,
        day: fc.nat(100_000),
        owner: fc.constantFrom(owner(1), owner(2)),
        maxCredits: credits,
        exactCredits: credits,
        slot: fc.boolean(),
        end: fc.record({ at, outcome: fc.constantFrom('picture', 'nothing', 'unknown') }),
      },
      { requiredKeys: ['id', 'fingerprint', 'at', 'day', 'owner', 'maxCredits', 'slot'] },
    ),
  ),
  slotsChangedAt: at,
});

describe('a shared value', () => {
  it('comes back as it was written, whole', () => {
    fc.assert(
      fc.property(traffics, snapshots, (rateState, reservations) => {
        expect(rateStateForm.read(rateStateForm.write(rateState))).toEqual(rateState);
        expect(reservationsForm.read(reservationsForm.write(reservations))).toEqual(reservations);
      }),
    );
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"account":{}}',
    '{"schema":0,"account":{}}',
    '{"schema":1}',
    '{"schema":1,"account":{"day":1}}',
  ])('is not taken from anything else: %s', (text) => {
    expect(reservationsForm.read(text)).toBeUndefined();
  });

  it('is not taken from a part of itself, nor from the other one', () => {
    const text = reservationsForm.write(emptyReservations(NOW));
    for (let length = 0; length < text.length - 1; length += 1)
      expect(reservationsForm.read(text.slice(0, length))).toBeUndefined();
    expect(reservationsForm.read(rateStateForm.write(emptyRateState(NOW)))).toBeUndefined();
  });

  it('of a newer version is neither read nor taken for damaged: it must not be replaced', () => {
    for (const form of [reservationsForm, rateStateForm]) {
      const newer = form.write(emptyRateState(NOW) as never).replace('"schema":1', '"schema":2');
      expect(() => form.read(newer)).toThrow(FluxError);
    }
  });
});
