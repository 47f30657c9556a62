/** Who holds one of the plan's places for jobs at a time, and who is next: fair between calls, whatever their size. */
import { type Account, type AccountEntry, replaced } from './reservations.ts';

/** Places are given in the order of turns; after so long without a change, whoever comes takes the free one. */
const IN_ORDER_MS = 3_000;

/**
 * A place (`absent`: nothing is reserved for the order, as none of this day), or how many orders come first, and when
 * the longest-running job was ordered (epoch milliseconds).
 */
export type PlaceAnswer =
  | { taken: true; absent?: true }
  | { taken: false; ahead: number; oldestAt: number | undefined };

export type PlaceVerdict =
  /** `absent`: the order is not on the account, so that nothing is reserved for it. */
  | { type: 'taken'; account: Account; absent?: true }
  /** `ahead`: orders that come first; `oldestAt`: when the longest-running job was ordered. */
  | { type: 'full'; ahead: number; oldestAt: number | undefined };

/** A place among the plan's jobs at a time. An order that has one, or is not on the account, takes none. */
export function takePlace(account: Account, id: string, limit: number | null, now: number): PlaceVerdict {
  const open = account.entries.filter((entry) => entry.end === undefined);
  const own = open.find((entry) => entry.id === id);
  if (own === undefined) return { type: 'taken', account, absent: true };
  if (own.place) return { type: 'taken', account };
  const holders = open.filter((entry) => entry.place);
  // One that gave its place back does not wait for another.
  const ahead = open.filter((entry) => !entry.place && entry.placedAt === undefined && comesBefore(entry, own)).length;
  const free = limit === null ? Number.POSITIVE_INFINITY : limit - holders.length;
  const quiet = Math.abs(now - account.placesChangedAt) > IN_ORDER_MS;
  if (free > ahead || (free > 0 && quiet)) {
    const entries = account.entries.map((entry) => (entry === own ? { ...entry, place: true, placedAt: now } : entry));
    return { type: 'taken', account: { ...account, entries, placesChangedAt: now } };
  }
  const oldest = holders.length === 0 ? undefined : Math.min(...holders.map((entry) => entry.at));
  return { type: 'full', ahead, oldestAt: oldest };
}

/** Places for as many of these orders as may have one now, the first ones first; the same account for none. */
export function takePlaces(
  before: Account,
  ids: readonly string[],
  limit: number | null,
  now: number,
): { account: Account; answers: ReadonlyMap<string, PlaceAnswer> } {
  const entryOfId = new Map(before.entries.map((entry) => [entry.id, entry]));
  const inOrder = ids.toSorted((one, other) => {
    const [a, b] = [entryOfId.get(one), entryOfId.get(other)];
    if (a === undefined || b === undefined) return 0;
    return comesBefore(a, b) ? -1 : 1;
  });
  let account = before;
  const answers = new Map<string, PlaceAnswer>();
  for (const id of inOrder) {
    const verdict = takePlace(account, id, limit, now);
    if (verdict.type === 'full') {
      answers.set(id, { taken: false, ahead: verdict.ahead, oldestAt: verdict.oldestAt });
      continue;
    }
    account = verdict.account;
    answers.set(id, verdict.absent ? { taken: true, absent: true } : { taken: true });
  }
  return { account, answers };
}

/** A job that is not watched any more gives its place back; its price stays reserved. */
export function givePlaceBack(account: Account, id: string, now: number): Account {
  const entry = account.entries.find((known) => known.id === id);
  if (entry === undefined || !entry.place) return account;
  return { ...replaced(account, entry, { ...entry, place: false }), placesChangedAt: now };
}

function comesBefore(one: AccountEntry, other: AccountEntry): boolean {
  const turns = (one.turn ?? 0) - (other.turn ?? 0);
  if (turns !== 0) return turns < 0;
  return one.at < other.at || (one.at === other.at && one.id < other.id);
}
