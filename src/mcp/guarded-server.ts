/** The SDK's server with one error boundary around every handler, including the SDK's own. */
import {
  isJSONRPCErrorResponse,
  type JSONRPCMessage,
  ProtocolErrorCode,
  Server,
  type ServerOptions,
  type Transport,
} from '@modelcontextprotocol/server';
import type { McpDeps } from './mcp-deps.ts';
import { isSince, JULY_2026 } from './protocol-eras.ts';
import { protocolErrorOf } from './protocol-errors.ts';

type WrapHandler = Server['_wrapHandler'];

export class GuardedServer extends Server {
  readonly #deps: Pick<McpDeps, 'redact' | 'log'>;

  constructor(info: ConstructorParameters<typeof Server>[0], options: ServerOptions, deps: McpDeps) {
    super(info, options);
    this.#deps = deps;
  }

  protected override _wrapHandler(...[method, handler]: Parameters<WrapHandler>): ReturnType<WrapHandler> {
    const wrapped = super._wrapHandler(method, handler);
    return async (request, context) => {
      try {
        return await wrapped(request, context);
      } catch (error) {
        throw protocolErrorOf(method, error, this.#deps);
      }
    };
  }

  override async connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => send(this.#inEra(message), options);
    await super.connect(transport);
  }

  /** Before 2026-07-28 a missing resource had a code of its own, which the SDK sends in no era. */
  #inEra(message: JSONRPCMessage): JSONRPCMessage {
    if (isSince(JULY_2026, this.getNegotiatedProtocolVersion())) return message;
    if (!isJSONRPCErrorResponse(message) || message.error.code !== ProtocolErrorCode.InvalidParams) return message;
    if (!isMissingResource(message.error.data)) return message;
    return { ...message, error: { ...message.error, code: ProtocolErrorCode.ResourceNotFound } };
  }
}

/** The protocol marks that error by its data, which have the URI and nothing else. */
function isMissingResource(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Object.keys(data).join() === 'uri';
}
