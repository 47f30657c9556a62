/** The port to what was found out about a service, kept for the next process. */

/** Plain JSON, in the words of whoever found it out; read back with care. */
export type WireFacts = Record<string, unknown>;

export interface WireMemory {
  /** What was found out less than a day ago; `undefined` when there is nothing. Never rejects. */
  recall(): Promise<WireFacts | undefined>;
  /** Replaces what was known. Never rejects: what cannot be kept is found out again. */
  remember(facts: WireFacts): Promise<void>;
}
