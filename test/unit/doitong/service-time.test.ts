/** Proves when the service's time counts as known: while both clocks of this machine have run alike since an answer. */
import { describe, expect, it } from 'vitest';
import { ServiceTime } from '../../../src/doitong/api-client.ts';

const HOUR = 3_600_000;
const AT = Date.UTC(2026, 10, 1, 8);

/** A machine whose clocks are moved one by one, and what it learnt when both showed `AT`. */
function timeWhen(moved: { wallMs: number; monotonicMs: number }, header = new Date(AT + 7 * HOUR).toUTCString()) {
  const clocks = { wall: AT, monotonic: 5_000 };
  const time = new ServiceTime({ now: () => clocks.wall, monotonic: () => clocks.monotonic });
  time.learn(header);
  clocks.wall += moved.wallMs;
  clocks.monotonic += moved.monotonicMs;
  return time.now();
}

describe('the time of the service', () => {
  it('is what an answer told and what has passed since', () => {
    expect(timeWhen({ wallMs: 0, monotonicMs: 0 })).toBe(AT + 7 * HOUR);
    expect(timeWhen({ wallMs: 50 * HOUR, monotonicMs: 50 * HOUR })).toBe(AT + 57 * HOUR);
  });

  it('goes on evenly when the clock of this machine is set back', () => {
    expect(timeWhen({ wallMs: -3 * HOUR, monotonicMs: 20_000 })).toBe(AT + 7 * HOUR + 20_000);
  });

  it('is not known after what may have been a sleep of the machine, until the next answer', () => {
    expect(timeWhen({ wallMs: 3 * HOUR, monotonicMs: 20_000 })).toBeUndefined();
  });

  it.each(['', 'yesterday', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Thu, 01 Jan 2201 00:00:00 GMT', '1793520000'])(
    'is not learnt from "%s"',
    (header) => {
      expect(timeWhen({ wallMs: 0, monotonicMs: 0 }, header)).toBeUndefined();
    },
  );
});
