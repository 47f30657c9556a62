/** The names by which hosts find resources and the viewer. */

export const JOB_URI_PREFIX = 'flux://jobs/';
export const IMAGE_URI_PREFIX = 'flux://images/';
export const LIMITS_URI = 'flux://limits';
export const GUIDE_URI = 'flux://guide/prompting';

/** By the MCP Apps extension (2026-01-26). */
export const VIEWER_EXTENSION = 'io.modelcontextprotocol/ui';
export const VIEWER_MIME_TYPE = 'text/html;profile=mcp-app';
export const VIEWER_URI = 'ui://flux/viewer';
/** Of a tool whose results the viewer can show; the second name is the one that early hosts know. */
export const VIEWER_TOOL_META = { ui: { resourceUri: VIEWER_URI }, 'ui/resourceUri': VIEWER_URI } as const;
/** Before the names of the viewer's own part of a result: hosts hand it to the page, not to the model. */
export const VIEWER_META = 'io.github.flux-pro-mcp/';

export const jobUri = (jobId: string): string => `${JOB_URI_PREFIX}${jobId}`;
export const imageUri = (jobId: string): string => `${IMAGE_URI_PREFIX}${jobId}`;

/** The id in the name of a job or of its picture. */
export function jobIdOf(uri: string): string | undefined {
  const prefix = [JOB_URI_PREFIX, IMAGE_URI_PREFIX].find((known) => uri.startsWith(known));
  return prefix === undefined ? undefined : uri.slice(prefix.length);
}
