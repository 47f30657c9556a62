/** The page that hosts with MCP Apps show next to a result: `ui://flux/viewer`. */
import type { ReadResourceResult } from '@modelcontextprotocol/server';
import type { McpDeps } from '../mcp-deps.ts';
import { notThere } from './contents.ts';
import { VIEWER_MIME_TYPE, VIEWER_URI } from './uris.ts';

/**
 * Without domains of its own the host lets the page ask for nothing over the network; the picture comes with the
 * result, or as a resource through the host.
 */
const UI_META = { ui: { csp: {}, permissions: { clipboardWrite: {} }, prefersBorder: true } };

/** @throws ResourceNotFoundError where this program was put together without the page */
export async function readViewer(deps: McpDeps): Promise<ReadResourceResult> {
  const html = await deps.viewerPage();
  if (html === undefined) throw notThere(VIEWER_URI, 'this installation has no viewer');
  return { contents: [{ uri: VIEWER_URI, mimeType: VIEWER_MIME_TYPE, text: html, _meta: UI_META }] };
}
