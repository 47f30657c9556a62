/** The only place that makes an agent of undici: every connection of this program is opened by the same rules. */
// The parts that are used: undici's index brings fetch, WebSocket, caches and mocks along.
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import { type ConnectorDeps, createConnector } from './connector.ts';

/** Single headers of 16 kB (cookies, policies) are met in the field; undici's default for all of them is less. */
const HEADERS_MAX_BYTES = 256 * 1024;

type AgentOptions = Pick<Agent.Options, 'headersTimeout' | 'bodyTimeout' | 'connections' | 'pipelining'>;

export function createAgent(deps: ConnectorDeps, options: AgentOptions): Agent {
  const agent = new Agent({ ...options, connect: createConnector(deps), maxHeaderSize: HEADERS_MAX_BYTES });
  return Object.assign(agent, { request });
}
