/** Sends progress notifications to a caller that asked for them. */
import type { ServerContext } from '@modelcontextprotocol/server';
import type { Redact } from '../core/redaction.ts';
import type { ToolContext } from './tool.ts';

/** Claude Code cuts a message at 200 characters. */
const MESSAGE_MAX_CHARACTERS = 200;

/** Does nothing when the call carries no progress token. Values only ever grow, as the protocol demands. */
export function progressReporter(
  context: ServerContext,
  redact: Redact,
  onError: (error: unknown) => void,
): ToolContext['progress'] {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  let last = -1;
  return (fraction, message) => {
    if (fraction <= last || context.mcpReq.signal.aborted) return;
    last = fraction;
    const params = {
      progressToken,
      progress: fraction,
      total: 1,
      message: redact(message, MESSAGE_MAX_CHARACTERS).slice(0, MESSAGE_MAX_CHARACTERS),
    };
    context.mcpReq.notify({ method: 'notifications/progress', params }).catch(onError);
  };
}
