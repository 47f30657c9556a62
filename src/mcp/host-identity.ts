/** Finds out who is calling, in both protocol eras. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { type HostIdentity, profileNamed } from './host-profiles.ts';
import { isSince, JULY_2026, JUNE_2025 } from './protocol-eras.ts';
import { VIEWER_EXTENSION, VIEWER_MIME_TYPE } from './resources/uris.ts';

const envelopeSchema = z.object({
  [CLIENT_INFO_META_KEY]: z.object({ name: z.string() }).optional().catch(undefined),
  [PROTOCOL_VERSION_META_KEY]: z.string().optional().catch(undefined),
  [CLIENT_CAPABILITIES_META_KEY]: z.unknown(),
});

const askingSchema = z.object({ elicitation: z.looseObject({}) });

const viewingSchema = z.object({
  extensions: z.object({ [VIEWER_EXTENSION]: z.object({ mimeTypes: z.array(z.string()).optional() }) }),
});

/** From the request's own envelope (2026-07-28), else from what the connection agreed on at its beginning. */
export function identityOf(server: Server, context: ServerContext): HostIdentity {
  const envelope = envelopeSchema.safeParse(context.mcpReq.envelope ?? {}).data;
  const clientName = envelope?.[CLIENT_INFO_META_KEY]?.name ?? server.getClientVersion()?.name;
  const protocolVersion = envelope?.[PROTOCOL_VERSION_META_KEY] ?? server.getNegotiatedProtocolVersion();
  const capabilities = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities();
  return {
    // Earlier eras have no questions to the user, whatever a client declares.
    canAsk:
      isSince(JUNE_2025, protocolVersion) &&
      canAsk(capabilities) &&
      profileNamed(clientName).declinesQuestions !== true,
    asksInResults: isSince(JULY_2026, server.getNegotiatedProtocolVersion()),
    showsViewer: showsViewer(capabilities),
    ...(clientName === undefined ? {} : { clientName }),
    ...(protocolVersion === undefined ? {} : { protocolVersion }),
  };
}

/** A host may leave out which kinds of pages it takes. */
function showsViewer(capabilities: unknown): boolean {
  const { data } = viewingSchema.safeParse(capabilities);
  const { mimeTypes } = data?.extensions[VIEWER_EXTENSION] ?? {};
  return data !== undefined && (mimeTypes === undefined || mimeTypes.includes(VIEWER_MIME_TYPE));
}

/** A declaration without details means forms; a client may also declare that it only shows addresses. */
function canAsk(capabilities: unknown): boolean {
  const { data } = askingSchema.safeParse(capabilities);
  return data !== undefined && (data.elicitation.form !== undefined || data.elicitation.url === undefined);
}
