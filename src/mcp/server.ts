/** The server that agents talk to: one factory for every protocol era. What only a call needs loads with the first. */
import type { Server, ServerOptions } from '@modelcontextprotocol/server';
import { GuardedServer } from './guarded-server.ts';
import { instructions } from './instructions.ts';
import type { McpDeps } from './mcp-deps.ts';
import { CONSTANT } from './protocol-eras.ts';
import { unknownCursor, unknownName } from './protocol-errors.ts';
import { ResourceUpdates } from './resource-updates.ts';
import { VIEWER_EXTENSION, VIEWER_MIME_TYPE } from './resources/uris.ts';
import { listTools } from './tool-listing.ts';

const URI_MAX_CHARACTERS = 500;

const CAPABILITIES = {
  tools: {},
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  completions: {},
  // Hosts use an extension only where both sides declare it.
  extensions: { [VIEWER_EXTENSION]: { mimeTypes: [VIEWER_MIME_TYPE] } },
};

/** Answers that do not change while the program runs, unlike lists of jobs and limits. */
const CACHE_HINTS: NonNullable<ServerOptions['cacheHints']> = {
  'server/discover': CONSTANT,
  'tools/list': CONSTANT,
  'prompts/list': CONSTANT,
  'resources/templates/list': CONSTANT,
};

export function createMcpServer(deps: McpDeps): Server {
  const server = new GuardedServer(
    { name: deps.name, title: 'Flux Pro', version: deps.version },
    {
      capabilities: CAPABILITIES,
      instructions: instructions(deps.sandbox, deps.otherOrigin?.origin),
      cacheHints: CACHE_HINTS,
    },
    deps,
  );
  handleTools(server, deps);
  handleResources(server, deps);
  handlePrompts(server, deps);
  return server;
}

function handleTools(server: Server, deps: McpDeps): void {
  server.setRequestHandler('tools/list', async ({ params }) => {
    expectNoCursor('tools/list', params?.cursor, deps);
    return { tools: listTools() };
  });
  const ofConnection = { isUnanswered: false };
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { callTool } = await import('./call-tool.ts');
    const result = await callTool(params, { server, questions: ofConnection }, context, deps);
    if (result !== undefined) return result;
    const known = listTools().map(({ name }) => name);
    throw unknownName('tool', params.name, known, deps.redact);
  });
}

function handleResources(server: Server, deps: McpDeps): void {
  const updates = new ResourceUpdates(server, deps);
  const catalogue = () => import('./resources/catalogue.ts');
  server.setRequestHandler('resources/templates/list', async ({ params }) => {
    expectNoCursor('resources/templates/list', params?.cursor, deps);
    return (await catalogue()).TEMPLATES;
  });
  server.setRequestHandler('resources/list', async ({ params }) =>
    (await catalogue()).listResources(deps, params?.cursor),
  );
  // Records outlive a process: a picture of an earlier one is readable before any tool was called.
  server.setRequestHandler('resources/read', async ({ params }) =>
    (await catalogue()).readResource(params.uri, deps, server.getNegotiatedProtocolVersion()),
  );
  server.setRequestHandler('resources/subscribe', async ({ params }) => {
    if (await updates.subscribe(params.uri)) return {};
    throw (await catalogue()).cannotSubscribe(deps.redact(params.uri, URI_MAX_CHARACTERS));
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    updates.unsubscribe(params.uri);
    return {};
  });
}

function handlePrompts(server: Server, deps: McpDeps): void {
  server.setRequestHandler('prompts/list', async ({ params }) => {
    expectNoCursor('prompts/list', params?.cursor, deps);
    return (await import('./prompts/catalogue.ts')).listPrompts();
  });
  server.setRequestHandler('prompts/get', async ({ params }) => {
    (await import('./input-problems.ts')).checkParams(params);
    return (await import('./prompts/catalogue.ts')).getPrompt(params.name, params.arguments, deps.redact);
  });
  server.setRequestHandler('completion/complete', async ({ params }) => {
    (await import('./input-problems.ts')).checkParams(params);
    return (await import('./completion.ts')).complete(params, deps);
  });
}

/** A list of one page has no cursors. */
function expectNoCursor(method: string, cursor: string | undefined, { redact }: McpDeps): void {
  if (cursor !== undefined) throw unknownCursor(method, cursor, redact);
}
