/** The clock of a process that lives by its parent's: it tells when it has nothing to do, and is told what time it is. */
import type { Clock } from '../../src/core/ports.ts';
import { isWorking, pause, untilIdle } from '../support/driven-clock.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { portsInUse } from '../support/open-exchanges.ts';
import type { IdleMessage, TimeMessage } from './process-clock.ts';
import { openTimeReader } from './time-file.ts';

/** `aheadMs`: what it shows more than the parent's. */
export type ClockToFollow = { file: string; aheadMs?: number };

export function followClock({ file, aheadMs = 0 }: ClockToFollow): Clock {
  const time = openTimeReader(file);
  const start = time();
  const manual = createManualClock(start, { random: Math.random });
  let round = 0;
  let isReporting = false;

  async function report(): Promise<void> {
    if (isReporting) return;
    isReporting = true;
    for (let said = ''; ; await pause()) {
      await untilIdle(() => !isWorking());
      const ms = manual.nextIn();
      const ports = portsInUse();
      const message: IdleMessage = {
        type: 'idle',
        round,
        ports,
        ...(ms === undefined ? {} : { nextAt: manual.now() + ms }),
      };
      const text = JSON.stringify(message);
      // Its work may be done and the pipe closed.
      if (text !== said && process.connected) process.send?.(message, () => undefined);
      said = text;
      // Without an answer to wait for, only time can bring anything new.
      if (ports.length === 0) break;
    }
    isReporting = false;
  }

  process.on('message', async (message: TimeMessage) => {
    await manual.advance(message.now - manual.now());
    round = message.round;
    await report();
  });
  void report();
  return {
    ...manual,
    // Who was stopped has missed messages, and sees at once how late it is.
    now: () => time() + aheadMs,
    monotonic: () => time() - start,
  };
}
