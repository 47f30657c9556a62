/** The server that agents talk to: one factory for every protocol era. What only a call needs loads with the first. */
import { ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import { cleanLine, quoted } from '../core/untrusted-text.ts';
import { identityOf } from './host-identity.ts';
import { instructions } from './instructions.ts';
import type { McpParts } from './mcp-parts.ts';
import { ResourceUpdates } from './resource-updates.ts';
import { listTools } from './tool-listing.ts';

const CAPABILITIES = {
  tools: {},
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  completions: {},
};

export function createMcpServer(parts: McpParts): Server {
  const server = new Server(
    { name: parts.name, title: 'Flux Pro', version: parts.version },
    { capabilities: CAPABILITIES, instructions: instructions(parts.sandbox) },
  );
  handleTools(server, parts);
  handleResources(server, parts);
  server.setRequestHandler('prompts/list', async () => (await import('./prompts/catalogue.ts')).listPrompts());
  server.setRequestHandler('prompts/get', async ({ params }) =>
    (await import('./prompts/catalogue.ts')).getPrompt(params.name, params.arguments),
  );
  server.setRequestHandler('completion/complete', async ({ params }) =>
    (await import('./completion.ts')).complete(params, parts),
  );
  return server;
}

function handleTools(server: Server, parts: McpParts): void {
  server.setRequestHandler('tools/list', async () => ({ tools: listTools() }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { callTool } = await import('./call-tool.ts');
    const result = await callTool(params, identityOf(server, context), context, parts);
    if (result === undefined) throw unknownTool(parts.redact(params.name));
    return result;
  });
}

function handleResources(server: Server, parts: McpParts): void {
  const updates = new ResourceUpdates(server, parts);
  const catalogue = () => import('./resources/catalogue.ts');
  server.setRequestHandler('resources/templates/list', async () => (await catalogue()).TEMPLATES);
  server.setRequestHandler('resources/list', async ({ params }) =>
    (await catalogue()).listResources(parts, params?.cursor),
  );
  // Records outlive a process: a picture of an earlier one is readable before any tool was called.
  server.setRequestHandler('resources/read', async ({ params }) => (await catalogue()).readResource(params.uri, parts));
  server.setRequestHandler('resources/subscribe', async ({ params }) => {
    if (!(await updates.subscribe(params.uri))) throw cannotSubscribe(parts.redact(params.uri));
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    updates.unsubscribe(params.uri);
    return {};
  });
}

function cannotSubscribe(uri: string): ProtocolError {
  const message = `${cleanLine(uri, 120)} cannot be subscribed to: jobs on record can, as flux://jobs/{job_id}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

function unknownTool(name: string): ProtocolError {
  const known = listTools().map((tool) => tool.name);
  const message = `There is no tool ${quoted(name, 80)}. There are: ${known.join(', ')}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
