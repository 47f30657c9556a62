/** Notifies a client of new jobs, and of changes to the jobs that it subscribed to, in either protocol era. */
import type { JSONRPCRequest, Server } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { JobNews } from '../core/job-feed.ts';
import type { McpDeps } from './mcp-deps.ts';
import { isSince, JULY_2026 } from './protocol.ts';
import { imageUri, jobUri, parseJobUri } from './uris.ts';

/** Clients read the whole list again, so a batch counts as one change. */
const LIST_PAUSE_MS = 250;

export class ResourceUpdates {
  readonly #server: Server;
  readonly #deps: McpDeps;
  readonly #subscribed = new Set<string>();
  #isListDue = false;

  constructor(server: Server, deps: McpDeps) {
    this.#server = server;
    this.#deps = deps;
    const stop = deps.feed.listen((news) => this.#on(news));
    server.onclose = stop;
  }

  /** @returns false for what never changes, or is not there */
  async subscribe(uri: string): Promise<boolean> {
    if (!(await canBeReported(uri, this.#deps))) return false;
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

  /** Since July 2026 the transport passes on only what was asked for. */
  #wants(uri: string): boolean {
    const version = this.#server.getNegotiatedProtocolVersion() ?? JULY_2026;
    return isSince(JULY_2026, version) || this.#subscribed.has(uri);
  }

  async #listChanged(): Promise<void> {
    if (this.#isListDue) return;
    this.#isListDue = true;
    await this.#deps.clock.sleep(LIST_PAUSE_MS);
    this.#isListDue = false;
    this.#send(() => this.#server.sendResourceListChanged());
  }

  /** A client may be gone, or take no notifications. */
  #send(send: () => Promise<void>): void {
    send().catch((error: unknown) => this.#deps.log.debug('an update could not be sent', { error: String(error) }));
  }
}

/** A client that asks for more at once gets no more than these. */
const SUBSCRIPTIONS_MAX = 500;

const listenSchema = z.looseObject({ notifications: z.looseObject({ resourceSubscriptions: z.array(z.string()) }) });

/**
 * Leaves in a request for `subscriptions/listen` only what can be reported, because the SDK confirms every URI in it.
 * Other requests pass unchanged.
 */
export async function narrowListen(request: JSONRPCRequest, deps: McpDeps): Promise<JSONRPCRequest> {
  const { data } = listenSchema.safeParse(request.params);
  if (data === undefined) return request;
  const asked = [...new Set(data.notifications.resourceSubscriptions)].slice(0, SUBSCRIPTIONS_MAX);
  const reported = await Promise.all(
    asked.map((uri) =>
      canBeReported(uri, deps).catch((error: unknown) => {
        deps.log.warn('a job could not be found for a subscription', { error: String(error) });
        return false;
      }),
    ),
  );
  const resourceSubscriptions = asked.filter((_, index) => reported[index]);
  const notifications = { ...data.notifications, resourceSubscriptions };
  return { ...request, params: { ...request.params, notifications } };
}

/** Changes name a job by our id: a subscription by the service's id would never be served. */
async function canBeReported(uri: string, deps: McpDeps): Promise<boolean> {
  const id = parseJobUri(uri)?.id;
  if (id === undefined) return false;
  const job = await (await deps.jobs()).find(id);
  return job?.id === id;
}
