/** Opens the webhook listener of a serving process: with the first order, or with a later one if the port was taken. */
import type { ListenAddress } from '../config/settings.ts';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import type { WebhookSink } from '../core/webhook-sink.ts';
import { saidOf } from '../mcp/failure-text.ts';

export class WebhookListener {
  readonly #listen: ListenAddress | undefined;
  readonly #log: Log;
  readonly #publicUrl: string | undefined;
  #opening: Promise<void> | undefined;
  #closeListener: (() => Promise<void>) | undefined;
  /** Open, or not needed any more. */
  #isSettled = false;

  /** @param listen `undefined`: nowhere. @param publicUrl the address that the service posts to */
  constructor(listen: ListenAddress | undefined, log: Log, publicUrl?: string) {
    this.#listen = listen;
    this.#log = log;
    this.#publicUrl = publicUrl;
  }

  /** Never rejects: where nobody listens, jobs are polled. */
  open(sink: WebhookSink | undefined): Promise<void> {
    if (this.#isSettled || sink === undefined || this.#listen === undefined) return Promise.resolve();
    this.#opening ??= this.#open(this.#listen, sink).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    this.#isSettled = true;
    await this.#opening;
    await this.#closeListener?.();
  }

  async #open(listen: ListenAddress, sink: WebhookSink): Promise<void> {
    try {
      const { openWebhookListener } = await import('../transports/webhook.ts');
      const listener = await openWebhookListener({ ...listen, publicUrl: this.#publicUrl, sink, log: this.#log });
      if (listener.taken) {
        this.#log.info(
          'the webhook port is taken, probably by another flux-pro-mcp, which passes events on to this one',
          listen,
        );
        return;
      }
      this.#closeListener = listener.close;
    } catch (error) {
      const failure = error instanceof FluxError ? error.failure : undefined;
      const why = failure === undefined ? String(error) : Object.values(saidOf(failure)).join(' ');
      this.#log.warn('the webhook listener could not be opened; jobs are polled', { because: why });
    }
    this.#isSettled = true;
  }
}
