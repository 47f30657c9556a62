/**
 * Keeps a connection in the protocol era that its requests have chosen, where the SDK does not yet: decision record
 * 0014 says what it would have to do.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type JSONRPCNotification,
  type JSONRPCRequest,
  PROTOCOL_VERSION_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/server';
import { cleanLine } from '../core/untrusted-text.ts';
import { type Refused, refused } from './json-rpc.ts';

/** The revisions whose requests name their protocol version each. */
const SUPPORTED = ['2026-07-28'];

export class EraGuard {
  #era: 'undecided' | 'legacy' | 'modern' = 'undecided';
  #negotiated: string | undefined;

  /** @param version what the handshake of the legacy eras has agreed on */
  negotiated(version: string): void {
    this.#era = 'legacy';
    this.#negotiated = version;
  }

  /** The version of the legacy eras that was agreed on. */
  get legacyVersion(): string | undefined {
    return this.#negotiated;
  }

  /** @returns the refusal of a request that names a version which is not served; `undefined` when it may pass */
  checkRequest({ id, method, params }: JSONRPCRequest): Refused | undefined {
    const claimed = claimedVersion(params);
    const opens = method === 'initialize' && SUPPORTED_PROTOCOL_VERSIONS.some((version) => version === claimed);
    if (typeof claimed === 'string' && !this.#serves(claimed) && !opens) {
      const { code, message, data } = new UnsupportedProtocolVersionError({
        supported: SUPPORTED,
        requested: cleanLine(claimed.slice(0, 200), 40),
      });
      return refused(id, code, message, data);
    }
    if (this.#era !== 'undecided') return undefined;
    if (claimed === undefined) this.#era = 'legacy';
    // A client that has only asked what there is may still choose. What the SDK refuses decides nothing either.
    else if (SUPPORTED.some((version) => version === claimed) && method !== 'server/discover' && isEnvelope(params))
      this.#era = 'modern';
    return undefined;
  }

  /** @returns why a notification must not be passed on */
  checkNotification({ params }: JSONRPCNotification): string | undefined {
    if (this.#era === 'undecided') return 'a notification came before the first request';
    const claimed = claimedVersion(params);
    if (typeof claimed === 'string' && !this.#serves(claimed)) return 'a notification names an unsupported version';
    return undefined;
  }

  #serves(version: string): boolean {
    return SUPPORTED.includes(version) || version === this.#negotiated;
  }
}

/** `undefined` when the envelope names none. */
function claimedVersion(params: JSONRPCRequest['params']): unknown {
  return params?._meta?.[PROTOCOL_VERSION_META_KEY];
}

/** As far as the choice of an era depends on it; the SDK checks the rest. */
function isEnvelope(params: JSONRPCRequest['params']): boolean {
  const capabilities = params?._meta?.[CLIENT_CAPABILITIES_META_KEY];
  return typeof capabilities === 'object' && capabilities !== null && !Array.isArray(capabilities);
}
