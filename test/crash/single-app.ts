/** One app in this process, over the folders of a stage, with what it logged. */
import { type App, type AppDeps, createApp } from '../../src/app.ts';
import type { Clock } from '../../src/core/ports.ts';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import type { Job } from '../../src/core/job.ts';
import { placeOrder } from '../support/place-orders.ts';
import type { Stage } from './stage.ts';

export const SIDES = { width: 256, height: 256 };
/** Of the clock: longer than any job here takes. */
export const LONG_MS = 180_000;

export async function openApp(
  stage: Stage,
  clock: Clock,
  more: Pick<AppDeps, 'listenerFor'> = {},
): Promise<App & { logged: string[] }> {
  const logged: string[] = [];
  const line = (message: string, fields?: object): void => {
    logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log = { debug() {}, info() {}, warn: line, error: line };
  const app = await createApp(stage.settings, { log, onSecret: () => undefined, clock, ...more });
  return { ...app, logged };
}

/** Orders and waits to the end, or until nothing more happens. */
export async function orderToTheEnd({ jobs }: App, prompt: string): Promise<{ job: Job; duplicate: boolean }> {
  const { job, duplicate } = await placeOrder(jobs, { prompt, ...SIDES });
  return { job: await jobs.waitFor(job.id, { waitMs: LONG_MS }), duplicate };
}

/** The failure of a call that must be refused. */
export async function refusalOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof FluxError) return error.failure;
    throw error;
  }
  throw new Error('the call was not refused');
}
