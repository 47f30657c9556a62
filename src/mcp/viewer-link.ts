/** What ties results to the viewer that hosts with MCP Apps show: additive, and absent for all other hosts. */
import type { Eta } from '../polling/durations.ts';
import type { JobView } from './job-view.ts';
import { VIEWER_URI } from './resources/uris.ts';

/** By the MCP Apps extension (2026-01-26). */
export const VIEWER_EXTENSION = 'io.modelcontextprotocol/ui';
export const VIEWER_MIME_TYPE = 'text/html;profile=mcp-app';

/** Of a tool whose results the viewer can show; the second name is the one that early hosts know. */
export const VIEWER_TOOL_META = { ui: { resourceUri: VIEWER_URI }, 'ui/resourceUri': VIEWER_URI } as const;

/** The viewer's own part of a result: hosts hand it to the page, not to the model. */
const META = 'io.github.flux-pro-mcp/';

export type ViewerMeta = { _meta?: Record<string, unknown> };

export function jobMeta(view: JobView, eta: Eta | undefined): ViewerMeta {
  const seconds = eta === undefined ? 0 : Math.round(eta.leftMs / 1_000);
  return {
    _meta: {
      [`${META}job`]: view,
      ...(eta === undefined ? {} : { [`${META}outlook`]: { fraction: eta.fraction, seconds_left: seconds } }),
    },
  };
}

export function jobsMeta(views: readonly JobView[]): ViewerMeta {
  return { _meta: { [`${META}jobs`]: views } };
}
