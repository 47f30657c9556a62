/**
 * Keeps a connection in the protocol era that its requests have chosen, where the SDK does not yet: decision record
 * 0014 says what it would have to do.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type JSONRPCRequest,
  PROTOCOL_VERSION_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/server';
import { cleanLine } from '../core/untrusted-text.ts';
import { isObject, type Refusal, refusal } from './json-rpc.ts';

/** The revisions whose requests name their protocol version each. */
const SUPPORTED: readonly unknown[] = ['2026-07-28'];

export class EraGuard {
  /** Whether a request has chosen the era: a notification does not. */
  isChosen = false;
  /** What the handshake of the earlier eras has agreed on. */
  agreedVersion: string | undefined;

  agree(version: string): void {
    this.isChosen = true;
    this.agreedVersion = version;
  }

  /** @returns the refusal of a request that names a version which is not served; `undefined` when it may pass */
  check({ id, method, params }: JSONRPCRequest): Refusal | undefined {
    const version: unknown = params?._meta?.[PROTOCOL_VERSION_META_KEY];
    const isServed = SUPPORTED.includes(version);
    const opens = method === 'initialize' && SUPPORTED_PROTOCOL_VERSIONS.some((known) => known === version);
    if (typeof version === 'string' && !isServed && version !== this.agreedVersion && !opens) {
      const requested = cleanLine(version.slice(0, 200), 40);
      const { code, message, data } = new UnsupportedProtocolVersionError({ supported: ['2026-07-28'], requested });
      return refusal(id, code, message, data);
    }
    // A client that has only asked what there is may still choose. What the SDK refuses decides nothing either.
    const isModern =
      isServed && method !== 'server/discover' && isObject(params?._meta?.[CLIENT_CAPABILITIES_META_KEY]);
    this.isChosen ||= version === undefined || opens || isModern;
    return undefined;
  }
}
