/** Finds out who is calling, in both protocol eras. */
import {
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { HostIdentity } from './host-profiles.ts';

const envelopeSchema = z.object({
  [CLIENT_INFO_META_KEY]: z.object({ name: z.string() }).optional().catch(undefined),
  [PROTOCOL_VERSION_META_KEY]: z.string().optional().catch(undefined),
});

/** From the request's own envelope (2026-07-28), else from what the connection agreed on at its beginning. */
export function identityOf(server: Server, context: ServerContext): HostIdentity {
  const envelope = envelopeSchema.safeParse(context.mcpReq.envelope ?? {}).data;
  const clientName = envelope?.[CLIENT_INFO_META_KEY]?.name ?? server.getClientVersion()?.name;
  const protocolVersion = envelope?.[PROTOCOL_VERSION_META_KEY] ?? server.getNegotiatedProtocolVersion();
  return {
    ...(clientName === undefined ? {} : { clientName }),
    ...(protocolVersion === undefined ? {} : { protocolVersion }),
  };
}
