/** Tells a client that a job changed, or that there is one more: what it has subscribed to, in either protocol era. */
import type { Server } from '@modelcontextprotocol/server';
import type { JobNews } from '../core/job-feed.ts';
import type { McpParts } from './mcp-parts.ts';
import { imageUri, jobIdOf, jobUri } from './resources/uris.ts';

/** Clients read the whole list again: a batch is one change. */
const LIST_PAUSE_MS = 250;
/** From here on subscriptions belong to the connection, which passes on only what was asked for. */
const SUBSCRIPTIONS_IN_TRANSPORT = '2026-07-28';

export class ResourceUpdates {
  readonly #server: Server;
  readonly #parts: McpParts;
  readonly #subscribed = new Set<string>();
  #isListDue = false;

  constructor(server: Server, parts: McpParts) {
    this.#server = server;
    this.#parts = parts;
    const stop = parts.feed.listen((news) => this.#on(news));
    server.onclose = stop;
  }

  /** @returns false for what never changes, or is not there */
  async subscribe(uri: string): Promise<boolean> {
    const id = jobIdOf(uri);
    const job = id === undefined ? undefined : await (await this.#parts.jobs()).find(id);
    // What is told of it names it by our id.
    if (job === undefined || job.id !== id) return false;
    this.#subscribed.add(uri);
    return true;
  }

  unsubscribe(uri: string): void {
    this.#subscribed.delete(uri);
  }

  #on({ job, isNew }: JobNews): void {
    const uris = isNew ? [] : [jobUri(job.id), ...(job.state === 'saved' ? [imageUri(job.id)] : [])];
    for (const uri of uris) if (this.#wants(uri)) this.#send(() => this.#server.sendResourceUpdated({ uri }));
    if (isNew || job.state === 'saved') void this.#listChanged();
  }

  #wants(uri: string): boolean {
    const version = this.#server.getNegotiatedProtocolVersion();
    return version === undefined || version >= SUBSCRIPTIONS_IN_TRANSPORT || this.#subscribed.has(uri);
  }

  async #listChanged(): Promise<void> {
    if (this.#isListDue) return;
    this.#isListDue = true;
    await this.#parts.clock.sleep(LIST_PAUSE_MS);
    this.#isListDue = false;
    this.#send(() => this.#server.sendResourceListChanged());
  }

  /** A client that is gone, or takes no notifications, is no reason for trouble. */
  #send(send: () => Promise<void>): void {
    send().catch((error: unknown) => this.#parts.log.debug('an update was not sent', { error: String(error) }));
  }
}
