/** The server that agents talk to: one factory for every protocol era. What only a call needs loads with the first. */
import { ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import { FluxError } from '../core/failure.ts';
import { quoted } from '../core/untrusted-text.ts';
import { identityOf } from './host-identity.ts';
import { instructions } from './instructions.ts';
import type { McpParts } from './mcp-parts.ts';
import { redactValues } from './redact-result.ts';
import { IMAGE_TEMPLATES, listImages, readImage } from './resources/images.ts';
import { listTools } from './tool-listing.ts';

export function createMcpServer(parts: McpParts): Server {
  const server = new Server(
    { name: parts.name, title: 'Flux Pro', version: parts.version },
    { capabilities: { tools: {}, resources: {} }, instructions: instructions(parts.sandbox) },
  );
  server.setRequestHandler('tools/list', async () => ({ tools: listTools() }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { callTool } = await import('./call-tool.ts');
    const result = await callTool(params, identityOf(server, context), context, parts);
    if (result === undefined) throw unknownTool(parts.redact(params.name));
    return result;
  });
  server.setRequestHandler('resources/templates/list', async () => IMAGE_TEMPLATES);
  server.setRequestHandler('resources/list', async () =>
    redactValues(await listImages(parts.startedJobs()), parts.redact),
  );
  server.setRequestHandler('resources/read', async ({ params }) => {
    try {
      // Records outlive a process: a picture of an earlier one is readable before any tool was called.
      return await readImage(params.uri, await parts.jobs());
    } catch (error) {
      if (error instanceof FluxError)
        throw new ProtocolError(ProtocolErrorCode.InternalError, parts.redact(error.message));
      throw error;
    }
  });
  return server;
}

function unknownTool(name: string): ProtocolError {
  const known = listTools().map((tool) => tool.name);
  const message = `There is no tool ${quoted(name, 80)}. There are: ${known.join(', ')}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
