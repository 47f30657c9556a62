/** The names by which hosts find resources and the viewer. */

const JOBS = 'flux://jobs/';
const IMAGES = 'flux://images/';
export const LIMITS_URI = 'flux://limits';
export const GUIDE_URI = 'flux://guide/prompting';

export const jobUri = (jobId: string): string => `${JOBS}${jobId}`;
export const imageUri = (jobId: string): string => `${IMAGES}${jobId}`;

/** Which job a URI names, and whether as a job or as its picture. */
export function parseJobUri(uri: string): { id: string; isImage: boolean } | undefined {
  const prefix = [JOBS, IMAGES].find((known) => uri.startsWith(known));
  return prefix === undefined ? undefined : { id: uri.slice(prefix.length), isImage: prefix === IMAGES };
}

/** By the MCP Apps extension (2026-01-26). */
export const VIEWER_EXTENSION = 'io.modelcontextprotocol/ui';
export const VIEWER_MIME_TYPE = 'text/html;profile=mcp-app';
export const VIEWER_URI = 'ui://flux/viewer';
/** Before the names of the viewer's own part of a result: hosts hand it to the page, not to the model. */
export const VIEWER_META = 'io.github.flux-pro-mcp/';
