/** The server that agents talk to: one factory for every protocol era. */
import { ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import { FluxError } from '../core/failure.ts';
import { callTool } from './call-tool.ts';
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
  server.setRequestHandler('tools/call', ({ params }, context) => callTool(params, server, context, parts));
  server.setRequestHandler('resources/templates/list', async () => IMAGE_TEMPLATES);
  server.setRequestHandler('resources/list', async () =>
    redactValues(await listImages(parts.startedJobs()), parts.redact),
  );
  server.setRequestHandler('resources/read', async ({ params }) => {
    try {
      return await readImage(params.uri, parts.startedJobs());
    } catch (error) {
      if (error instanceof FluxError)
        throw new ProtocolError(ProtocolErrorCode.InternalError, parts.redact(error.message));
      throw error;
    }
  });
  return server;
}
