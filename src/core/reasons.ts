/**
 * Why something failed, as facts. `mcp/words/` puts them into words for models, `cli/failure-words.ts` for people.
 * They are stored with jobs: text of the service inside is cleaned, redacted and bounded before it becomes a fact.
 */

/** An order that was not sent, or whose outcome is open. */
export type OrderReason = never;

/** The user's budget, the plan, or a limit of the service. */
export type LimitReason = never;

/** What the service answered, or that it did not. */
export type ServiceReason = never;

/** A connection that did not come about. */
export type ConnectReason = never;

/** A finished picture that cannot be fetched or read. */
export type PictureReason = never;

/** A folder, a file or a record. */
export type StorageReason =
  /** Other processes changed it before each try of this one. */
  { code: 'change_contended'; changed: Changed; tries: number };

/** What processes share. @param location the folder that holds it */
export type Changed = { type: 'record' | 'value'; name: string; location: string };

/** What arises in mcp/ or cli/ has its words already. */
export type WordedReason = { code: 'worded'; what: string; next?: string };

export type Reason =
  | OrderReason
  | LimitReason
  | ServiceReason
  | ConnectReason
  | PictureReason
  | StorageReason
  | WordedReason;
