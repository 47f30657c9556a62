/** The server that agents talk to: one factory for every protocol era. What only a call needs loads with the first. */
import {
  type CompleteRequest,
  type CompleteResult,
  isJSONRPCErrorResponse,
  type JSONRPCMessage,
  ProtocolErrorCode,
  Server,
  type ServerOptions,
  type Transport,
} from '@modelcontextprotocol/server';
import { instructions } from './instructions.ts';
import type { McpDeps } from './mcp-deps.ts';
import { CONSTANT, isSince, JULY_2026, protocolErrorOf, unknownCursor } from './protocol.ts';
import { ResourceUpdates } from './resource-updates.ts';
import { listTools } from './tool-listing.ts';
import { VIEWER_EXTENSION, VIEWER_MIME_TYPE } from './uris.ts';

const OPTIONS: ServerOptions = {
  capabilities: {
    tools: {},
    resources: { subscribe: true, listChanged: true },
    prompts: {},
    completions: {},
    // Hosts use an extension only where both sides declare it.
    extensions: { [VIEWER_EXTENSION]: { mimeTypes: [VIEWER_MIME_TYPE] } },
  },
  /** Answers that do not change while the program runs, unlike lists of jobs and limits. */
  cacheHints: {
    'server/discover': CONSTANT,
    'tools/list': CONSTANT,
    'prompts/list': CONSTANT,
    'resources/templates/list': CONSTANT,
  },
};

export function createMcpServer(deps: McpDeps): Server {
  const server = new GuardedServer(deps);
  handleTools(server, deps);
  handleResources(server, deps);
  handlePrompts(server, deps);
  return server;
}

/** The SDK's server with one error boundary around every handler, including the SDK's own. */
class GuardedServer extends Server {
  readonly #deps: McpDeps;

  constructor(deps: McpDeps) {
    const { name, version, sandbox, otherOrigin } = deps;
    super(
      { name, title: 'Flux Pro', version },
      { ...OPTIONS, instructions: instructions(sandbox, otherOrigin?.origin) },
    );
    this.#deps = deps;
  }

  protected override _wrapHandler(
    ...[method, handler]: Parameters<Server['_wrapHandler']>
  ): ReturnType<Server['_wrapHandler']> {
    const wrapped = super._wrapHandler(method, handler);
    return async (request, context) => {
      try {
        return await wrapped(request, context);
      } catch (error) {
        throw protocolErrorOf(method, error, this.#deps);
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
    if (isSince(JULY_2026, this.getNegotiatedProtocolVersion()) || !isJSONRPCErrorResponse(message)) return message;
    const { code, data } = message.error;
    // The protocol marks that error by its data, which have the URI and nothing else.
    const isMissing = typeof data === 'object' && data !== null && Object.keys(data).join() === 'uri';
    if (code !== ProtocolErrorCode.InvalidParams || !isMissing) return message;
    return { ...message, error: { ...message.error, code: ProtocolErrorCode.ResourceNotFound } };
  }
}

function handleTools(server: Server, deps: McpDeps): void {
  server.setRequestHandler('tools/list', async ({ params }) => {
    expectNoCursor('tools/list', params?.cursor, deps);
    return { tools: listTools() };
  });
  const questions = { isUnanswered: false };
  server.setRequestHandler('tools/call', async ({ params }, context) =>
    (await import('./call-tool.ts')).callTool(params, { server, questions }, context, deps),
  );
}

function handleResources(server: Server, deps: McpDeps): void {
  const updates = new ResourceUpdates(server, deps);
  const resources = () => import('./resources.ts');
  server.setRequestHandler('resources/templates/list', async ({ params }) => {
    expectNoCursor('resources/templates/list', params?.cursor, deps);
    return (await resources()).TEMPLATES;
  });
  server.setRequestHandler('resources/list', async ({ params }) =>
    (await resources()).listResources(deps, params?.cursor),
  );
  // Records outlive a process: a picture of an earlier one is readable before any tool was called.
  server.setRequestHandler('resources/read', async ({ params }) =>
    (await resources()).readResource(params.uri, deps, server.getNegotiatedProtocolVersion()),
  );
  server.setRequestHandler('resources/subscribe', async ({ params }) => {
    if (await updates.subscribe(params.uri)) return {};
    throw (await resources()).cannotSubscribe(params.uri, deps);
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    updates.unsubscribe(params.uri);
    return {};
  });
}

function handlePrompts(server: Server, deps: McpDeps): void {
  const prompts = () => import('./prompts.ts');
  const check = async (params: unknown) => (await import('./input-problems.ts')).checkParams(params);
  server.setRequestHandler('prompts/list', async ({ params }) => {
    expectNoCursor('prompts/list', params?.cursor, deps);
    return (await prompts()).listPrompts();
  });
  server.setRequestHandler('prompts/get', async ({ params }) => {
    await check(params);
    return (await prompts()).getPrompt(params.name, params.arguments, deps.redact);
  });
  server.setRequestHandler('completion/complete', async ({ params }) => {
    await check(params);
    return completion(await valuesFor(params, deps));
  });
}

async function valuesFor({ ref, argument }: CompleteRequest['params'], deps: McpDeps): Promise<readonly string[]> {
  const typed = argument.value.trim().toLowerCase();
  if (ref.type === 'ref/prompt')
    return (await import('./prompts.ts')).suggestionsFor(ref.name, argument.name, typed, deps.redact);
  return (await import('./resources.ts')).jobIdsFor(ref.uri, argument.name, typed, deps);
}

/** The protocol's own bound. */
const VALUES_MAX = 100;

function completion(values: readonly string[]): CompleteResult {
  const shown = values.slice(0, VALUES_MAX);
  return { completion: { values: shown, total: values.length, hasMore: values.length > shown.length } };
}

/** A list of one page has no cursors. */
function expectNoCursor(method: string, cursor: string | undefined, { redact }: McpDeps): void {
  if (cursor !== undefined) throw unknownCursor(method, cursor, redact);
}
