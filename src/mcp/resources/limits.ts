/** Plan, limits, budget and credits as they are known: `flux://limits`. Nothing is asked of the service. */
import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server';
import type { McpDeps } from '../mcp-deps.ts';
import { limitsView } from '../tools/check-rate-limits.ts';
import { jsonContents } from './contents.ts';
import { LIMITS_URI } from './uris.ts';

export const LIMITS_RESOURCE: ListResourcesResult['resources'][number] = {
  uri: LIMITS_URI,
  name: 'limits',
  title: 'Limits and credits',
  description: "The plan, how much of its limits is in use, today's budget, and the last known balance.",
  mimeType: 'application/json',
  annotations: { audience: ['assistant'] },
};

export async function readLimits(deps: McpDeps): Promise<ReadResourceResult> {
  const report = await (await deps.jobs()).limits();
  return jsonContents(LIMITS_URI, limitsView(report, deps.clock.now()));
}
