/** The names by which hosts find resources and the viewer. */

export const URI = {
  /** These two stand before the id of a job. */
  jobs: 'flux://jobs/',
  images: 'flux://images/',
  limits: 'flux://limits',
  guide: 'flux://guide/prompting',
  viewer: 'ui://flux/viewer',
};

/** By the MCP Apps extension (2026-01-26). */
export const VIEWER_EXTENSION = 'io.modelcontextprotocol/ui';
export const VIEWER_MIME_TYPE = 'text/html;profile=mcp-app';
/** Before the names of the viewer's own part of a result: hosts hand it to the page, not to the model. */
export const VIEWER_META = 'io.github.flux-pro-mcp/';

export function parseJobUri(uri: string): { id: string; isImage: boolean } | undefined {
  const prefix = [URI.jobs, URI.images].find((known) => uri.startsWith(known));
  return prefix === undefined ? undefined : { id: uri.slice(prefix.length), isImage: prefix === URI.images };
}
