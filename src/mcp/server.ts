/** The server that agents talk to: one factory for every protocol era. What only a call needs loads with the first. */
import { ProtocolError, ProtocolErrorCode, type Server, type ServerOptions } from '@modelcontextprotocol/server';
import { quotedWithout } from '../core/untrusted-text.ts';
import { GuardedServer } from './guarded-server.ts';
import { identityOf } from './host-identity.ts';
import { boundsProblem } from './input-bounds.ts';
import { instructions } from './instructions.ts';
import { CONSTANT } from './lasting.ts';
import type { McpParts } from './mcp-deps.ts';
import { Questions } from './questions.ts';
import { ResourceUpdates } from './resource-updates.ts';
import { listTools } from './tool-listing.ts';
import { VIEWER_EXTENSION, VIEWER_MIME_TYPE } from './viewer-link.ts';

const URI_MAX_CHARACTERS = 500;

const CAPABILITIES = {
  tools: {},
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  completions: {},
  // Hosts use an extension only where both sides declare it.
  extensions: { [VIEWER_EXTENSION]: { mimeTypes: [VIEWER_MIME_TYPE] } },
};

/** What this program answers alike as long as it runs. Lists of jobs and limits are never old. */
const CACHE_HINTS: NonNullable<ServerOptions['cacheHints']> = {
  'server/discover': CONSTANT,
  'tools/list': CONSTANT,
  'prompts/list': CONSTANT,
  'resources/templates/list': CONSTANT,
};

export function createMcpServer(parts: McpParts): Server {
  const server = new GuardedServer(
    { name: parts.name, title: 'Flux Pro', version: parts.version },
    {
      capabilities: CAPABILITIES,
      instructions: instructions(parts.sandbox, parts.otherOrigin?.origin),
      cacheHints: CACHE_HINTS,
    },
    parts,
  );
  handleTools(server, parts);
  handleResources(server, parts);
  handlePrompts(server, parts);
  return server;
}

function handleTools(server: Server, parts: McpParts): void {
  server.setRequestHandler('tools/list', async ({ params }) => {
    expectNoCursor('tools/list', params?.cursor, parts);
    return { tools: listTools() };
  });
  const ofConnection = new Questions();
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { callTool } = await import('./call-tool.ts');
    const identity = identityOf(server, context);
    const questions = identity.asksInResults ? parts.questions : ofConnection;
    const result = await callTool(params, { identity, questions }, context, parts);
    if (result === undefined) throw unknownTool(params.name, parts);
    return result;
  });
}

function handleResources(server: Server, parts: McpParts): void {
  const updates = new ResourceUpdates(server, parts);
  const catalogue = () => import('./resources/catalogue.ts');
  server.setRequestHandler('resources/templates/list', async ({ params }) => {
    expectNoCursor('resources/templates/list', params?.cursor, parts);
    return (await catalogue()).TEMPLATES;
  });
  server.setRequestHandler('resources/list', async ({ params }) =>
    (await catalogue()).listResources(parts, params?.cursor),
  );
  // Records outlive a process: a picture of an earlier one is readable before any tool was called.
  server.setRequestHandler('resources/read', async ({ params }) =>
    (await catalogue()).readResource(params.uri, parts, server.getNegotiatedProtocolVersion()),
  );
  server.setRequestHandler('resources/subscribe', async ({ params }) => {
    if (await updates.subscribe(params.uri)) return {};
    throw (await catalogue()).cannotSubscribe(parts.redact(params.uri, URI_MAX_CHARACTERS));
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    updates.unsubscribe(params.uri);
    return {};
  });
}

function handlePrompts(server: Server, parts: McpParts): void {
  server.setRequestHandler('prompts/list', async ({ params }) => {
    expectNoCursor('prompts/list', params?.cursor, parts);
    return (await import('./prompts/catalogue.ts')).listPrompts();
  });
  server.setRequestHandler('prompts/get', async ({ params }) => {
    checkBounds(params);
    return (await import('./prompts/catalogue.ts')).getPrompt(params.name, params.arguments, parts.redact);
  });
  server.setRequestHandler('completion/complete', async ({ params }) => {
    checkBounds(params);
    return (await import('./completion.ts')).complete(params, parts);
  });
}

function checkBounds(params: unknown): void {
  const problem = boundsProblem(params);
  if (problem === undefined) return;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, `The parameters cannot be read: there are ${problem}.`);
}

/** Of a list that is one page: no answer to it has given a cursor. */
function expectNoCursor(method: string, cursor: string | undefined, { redact }: McpParts): void {
  if (cursor === undefined) return;
  const message = `cursor: ${quotedWithout(redact, cursor, 60)} is not the nextCursor of an answer to ${method}.`;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

function unknownTool(name: string, { redact }: McpParts): ProtocolError {
  const known = listTools().map((tool) => tool.name);
  const message = `There is no tool ${quotedWithout(redact, name, 80)}. There are: ${known.join(', ')}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
