/** The names by which hosts find resources and the viewer. */

/** Before the id of a job. */
export const JOBS_URI = 'flux://jobs/';
export const IMAGES_URI = 'flux://images/';
export const LIMITS_URI = 'flux://limits';
export const GUIDE_URI = 'flux://guide/prompting';

/** By the MCP Apps extension (2026-01-26). */
export const VIEWER_EXTENSION = 'io.modelcontextprotocol/ui';
export const VIEWER_MIME_TYPE = 'text/html;profile=mcp-app';
export const VIEWER_URI = 'ui://flux/viewer';
/** Before the names of the viewer's own part of a result: hosts hand it to the page, not to the model. */
export const VIEWER_META = 'io.github.flux-pro-mcp/';

/** Which job a URI names, and whether as a job or as its picture. */
export function parseJobUri(uri: string): { id: string; isImage: boolean } | undefined {
  const prefix = [JOBS_URI, IMAGES_URI].find((known) => uri.startsWith(known));
  return prefix === undefined ? undefined : { id: uri.slice(prefix.length), isImage: prefix === IMAGES_URI };
}
