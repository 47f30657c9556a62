/** The server that agents talk to: one factory for every protocol era. What only a call needs loads with the first. */
import type { JSONRPCMessage, JSONRPCRequest, ServerOptions, Transport } from '@modelcontextprotocol/server';
import { isJSONRPCErrorResponse, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { JobNews } from '../core/job-store.ts';
import { excessOf } from '../core/primitives.ts';
import { instructions } from './instructions.ts';
import { CONSTANT, invalidParams, JULY_2026, unknownCursor } from './protocol.ts';
import type { McpDeps } from './tool.ts';
import { listTools } from './tool-listing.ts';
import { parseJobUri, URI, VIEWER_EXTENSION, VIEWER_MIME_TYPE } from './uris.ts';

/** They do not change while the program runs, unlike lists of jobs, and have no cursors. */
const FIXED_LISTS = ['tools/list', 'prompts/list', 'resources/templates/list'];

const OPTIONS: ServerOptions = {
  capabilities: {
    tools: {},
    resources: { subscribe: true, listChanged: true },
    prompts: {},
    completions: {},
    // Hosts use an extension only where both sides declare it.
    extensions: { [VIEWER_EXTENSION]: { mimeTypes: [VIEWER_MIME_TYPE] } },
  },
  cacheHints: Object.fromEntries(['server/discover', ...FIXED_LISTS].map((method) => [method, CONSTANT])),
};

export function createMcpServer(deps: McpDeps): Server {
  const server = new GuardedServer(deps);
  const prompts = () => import('./prompts.ts');
  const resources = () => import('./resources.ts');

  server.setRequestHandler('tools/list', async () => ({ tools: listTools() }));
  const connection = { server, questions: { isUnanswered: false } };
  server.setRequestHandler('tools/call', async ({ params }, context) =>
    (await import('./call-tool.ts')).callTool(params, connection, context, deps),
  );

  server.setRequestHandler('resources/templates/list', async () => (await resources()).TEMPLATES);
  server.setRequestHandler('resources/list', async ({ params }) =>
    (await resources()).listResources(deps, params?.cursor),
  );
  // Records outlive a process: a picture of an earlier one is readable before any tool was called.
  server.setRequestHandler('resources/read', async ({ params }) =>
    (await resources()).readResource(params.uri, deps, server.getNegotiatedProtocolVersion()),
  );
  const subscribed = notifyOfJobs(server, deps);
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    if (!(await canBeReported(uri, deps))) throw (await resources()).cannotSubscribe(uri, deps);
    subscribed.add(uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });

  server.setRequestHandler('prompts/list', async () => (await prompts()).listPrompts());
  server.setRequestHandler('prompts/get', async ({ params }) =>
    (await prompts()).getPrompt(params.name, params.arguments, deps.redact),
  );
  server.setRequestHandler('completion/complete', async ({ params: { ref, argument } }) => {
    const typed = argument.value.trim().toLowerCase();
    const all =
      ref.type === 'ref/prompt'
        ? (await prompts()).suggestionsFor(ref.name, argument.name, typed, deps.redact)
        : await (await resources()).jobIdsFor(ref.uri, argument.name, typed, deps);
    // The protocol's own bound.
    const values = all.slice(0, 100);
    const hasMore = all.length > values.length;
    return { completion: { values, hasMore, ...(!hasMore && { total: values.length }) } };
  });
  return server;
}

/** The SDK's server with one error boundary around every handler, including the SDK's own. */
class GuardedServer extends Server {
  constructor(private readonly deps: McpDeps) {
    const { version, sandbox, otherOrigin } = deps;
    super(
      { name: 'flux-pro-mcp', title: 'Flux Pro', version },
      { ...OPTIONS, instructions: instructions(sandbox, otherOrigin?.origin) },
    );
  }

  protected override _wrapHandler(
    ...[method, handler]: Parameters<Server['_wrapHandler']>
  ): ReturnType<Server['_wrapHandler']> {
    const wrapped = super._wrapHandler(method, handler);
    return async (request, context) => {
      try {
        const cursor = request.params?.cursor;
        if (typeof cursor === 'string' && FIXED_LISTS.includes(method))
          throw unknownCursor(method, cursor, this.deps.redact);
        const excess = TAKING_ARGUMENTS.includes(method) ? excessOf(request.params) : undefined;
        if (excess !== undefined)
          throw invalidParams(`The parameters of ${method} cannot be read, so nothing was sent: there are ${excess}.`);
        return await wrapped(request, context);
      } catch (error) {
        const { protocolErrorOf } = await import('./protocol-errors.ts');
        throw protocolErrorOf(method, error, this.deps);
      }
    };
  }

  override async connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send(this.#inEra(message), options);
    await super.connect(transport);
  }

  /** Before 2026-07-28 a missing resource had a code of its own, which the SDK sends in no era. */
  #inEra(message: JSONRPCMessage): JSONRPCMessage {
    if (!isJSONRPCErrorResponse(message) || (this.getNegotiatedProtocolVersion() ?? '') >= JULY_2026) return message;
    const { code, data } = message.error;
    // The protocol marks that error by its data, which have the URI and nothing else.
    const isMissing = typeof data === 'object' && data !== null && Object.keys(data).join() === 'uri';
    if (code !== ProtocolErrorCode.InvalidParams || !isMissing) return message;
    return { ...message, error: { ...message.error, code: ProtocolErrorCode.ResourceNotFound } };
  }
}

const TAKING_ARGUMENTS = ['tools/call', 'prompts/get', 'completion/complete'];

/** Clients read the whole list again, so a batch counts as one change. */
const LIST_PAUSE_MS = 250;
/** @returns the URIs that the client subscribed to; since July 2026 the transport knows them, and sends no others */
function notifyOfJobs(server: Server, { feed, clock, log }: McpDeps): Set<string> {
  const subscribed = new Set<string>();
  let isListDue = false;
  /** A client may be gone, or take no notifications. */
  const send = (sending: Promise<void>): void =>
    void sending.catch((error: unknown) => log.debug('an update could not be sent', { error: String(error) }));
  const listChanged = async (): Promise<void> => {
    if (isListDue) return;
    isListDue = true;
    await clock.sleep(LIST_PAUSE_MS);
    isListDue = false;
    send(server.sendResourceListChanged());
  };
  const notify = ({ job: { id, state }, isNew }: JobNews): void => {
    const isSaved = state === 'saved';
    const changed = isNew ? [] : [`${URI.jobs}${id}`, ...(isSaved ? [`${URI.images}${id}`] : [])];
    const isModern = (server.getNegotiatedProtocolVersion() ?? JULY_2026) >= JULY_2026;
    for (const uri of changed) if (isModern || subscribed.has(uri)) send(server.sendResourceUpdated({ uri }));
    if (isNew || isSaved) void listChanged();
  };
  feed.add(notify);
  server.onclose = () => void feed.delete(notify);
  return subscribed;
}

const listenSchema = z.looseObject({ notifications: z.looseObject({ resourceSubscriptions: z.array(z.string()) }) });

/** Leaves in a `subscriptions/listen` only what can be reported, 500 URIs at most: the SDK confirms all that it names. */
export async function narrowListen(request: JSONRPCRequest, deps: McpDeps): Promise<JSONRPCRequest> {
  const { data } = listenSchema.safeParse(request.params);
  if (data === undefined) return request;
  const asked = [...new Set(data.notifications.resourceSubscriptions)].slice(0, 500);
  const reported = await Promise.all(asked.map((uri) => canBeReported(uri, deps).catch(() => false)));
  const resourceSubscriptions = asked.filter((_, index) => reported[index]);
  return { ...request, params: { ...data, notifications: { ...data.notifications, resourceSubscriptions } } };
}

/** Changes name a job by our id: a subscription by the service's id would never be served. */
async function canBeReported(uri: string, deps: McpDeps): Promise<boolean> {
  const id = parseJobUri(uri)?.id;
  return id !== undefined && (await (await deps.jobs()).find(id))?.id === id;
}
