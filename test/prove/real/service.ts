/** The emulated service as another process: started, scripted, and asked what it has charged. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SandboxState } from '../../../sandbox/sandbox.ts';
import type { BookSources } from '../../crash/books.ts';
import type { StageOptions } from '../../crash/stage.ts';
import type { Arrival } from '../../crash/witness.ts';
import type { Fault, FaultTarget } from '../../support/fault-server.ts';

/** Where the service is reached, and folders for whoever orders there. */
export type Place = { folder: string; stateDir: string; outputDir: string; url: string; key: string };
export type Reports = Pick<SandboxState, 'jobs' | 'charges'> & { arrivals: readonly Arrival[] };

export type ToService =
  | { type: 'goOn'; order: number }
  | { type: 'watchOrders'; isWatched: boolean }
  | { type: 'script'; faults: readonly Fault[]; on: FaultTarget }
  | { type: 'stopFaults' }
  | { type: 'report' }
  | { type: 'close' };

export type FromService =
  | { type: 'started'; place: Place }
  | { type: 'order'; order: number; prompt: string | undefined }
  | { type: 'report'; of: Reports };

/** Everything that can be said as JSON. */
export type ServiceOptions = Pick<StageOptions, 'sandbox' | 'witness'>;

export class Service {
  readonly #child: ChildProcess;
  readonly place: Place;
  #onOrder: ((prompt: string | undefined) => Promise<void> | void) | undefined;

  private constructor(child: ChildProcess, place: Place) {
    this.#child = child;
    this.place = place;
    child.on('message', async (message: FromService) => {
      if (message.type !== 'order') return;
      await this.#onOrder?.(message.prompt);
      this.#send({ type: 'goOn', order: message.order });
    });
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const file = fileURLToPath(new URL('./service-process.ts', import.meta.url));
    const child = fork(file, [JSON.stringify(options)]);
    const [message] = (await once(child, 'message')) as [FromService];
    if (message.type !== 'started') throw new Error(`the service began with ${message.type}`);
    return new Service(child, message.place);
  }

  /** Awaited when an order has arrived whole, before the service hears of it. */
  set onOrder(work: ((prompt: string | undefined) => Promise<void> | void) | undefined) {
    this.#onOrder = work;
    this.#send({ type: 'watchOrders', isWatched: work !== undefined });
  }

  /** Adds faults to the script for a kind of request: each request takes one, then all pass. */
  script(faults: readonly Fault[], on: FaultTarget = 'submit'): void {
    this.#send({ type: 'script', faults, on });
  }

  stopFaults(): void {
    this.#send({ type: 'stopFaults' });
  }

  async report(): Promise<Reports> {
    const answer = new Promise<Reports>((resolve) => {
      const hear = (message: FromService): void => {
        if (message.type !== 'report') return;
        this.#child.off('message', hear);
        resolve(message.of);
      };
      this.#child.on('message', hear);
    });
    this.#send({ type: 'report' });
    return answer;
  }

  /** What the books are read from. @param folders where they are not the service's own */
  async books(folders: Partial<Pick<Place, 'stateDir' | 'outputDir'>> = {}): Promise<BookSources> {
    const { url, key, stateDir, outputDir } = this.place;
    const reports = await this.report();
    return {
      ...{ stateDir, outputDir, ...folders },
      settings: { apiUrl: url },
      sandbox: { key, inspect: () => reports },
      witness: { arrivals: () => reports.arrivals },
    };
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#send({ type: 'close' });
    await ended;
  }

  #send(message: ToService): void {
    this.#child.send(message);
  }
}
