/** Who has one of the plan's slots for jobs at a time, and who is next: fair between calls, whatever their size. */
import { type Reservation, type Reservations, replaced } from './reservations.ts';

/** Slots are given in the order of turns; after so long without a change, whoever comes takes the free one. */
const IN_ORDER_MS = 3_000;

/**
 * A slot (`absent`: nothing is reserved for the order, as none of this day), or how many orders come first, and when
 * the longest-running job was ordered (epoch milliseconds).
 */
export type SlotAnswer = { taken: true; absent?: true } | { taken: false; ahead: number; oldestAt: number | undefined };

export type SlotDecision =
  /** `absent`: nothing is reserved for the order. */
  | { type: 'taken'; reservations: Reservations; absent?: true }
  /** `ahead`: orders that come first; `oldestAt`: when the longest-running job was ordered. */
  | { type: 'full'; ahead: number; oldestAt: number | undefined };

/** A slot among the plan's jobs at a time. An order that has one, or that nothing is reserved for, takes none. */
export function takeSlot(reservations: Reservations, id: string, limit: number | null, now: number): SlotDecision {
  const open = reservations.entries.filter((entry) => entry.end === undefined);
  const own = open.find((entry) => entry.id === id);
  if (own === undefined) return { type: 'taken', reservations, absent: true };
  if (own.slot) return { type: 'taken', reservations };
  const holders = open.filter((entry) => entry.slot);
  // One that released its slot does not wait for another.
  const ahead = open.filter((entry) => !entry.slot && entry.slotAt === undefined && comesBefore(entry, own)).length;
  const free = limit === null ? Number.POSITIVE_INFINITY : limit - holders.length;
  const quiet = Math.abs(now - reservations.slotsChangedAt) > IN_ORDER_MS;
  if (free > ahead || (free > 0 && quiet)) {
    const entries = reservations.entries.map((entry) =>
      entry === own ? { ...entry, slot: true, slotAt: now } : entry,
    );
    return { type: 'taken', reservations: { ...reservations, entries, slotsChangedAt: now } };
  }
  const oldest = holders.length === 0 ? undefined : Math.min(...holders.map((entry) => entry.at));
  return { type: 'full', ahead, oldestAt: oldest };
}

/** Slots for as many of these orders as may have one now, the first ones first; the same reservations for none. */
export function takeSlots(
  before: Reservations,
  ids: readonly string[],
  limit: number | null,
  now: number,
): { reservations: Reservations; answers: ReadonlyMap<string, SlotAnswer> } {
  const entryOfId = new Map(before.entries.map((entry) => [entry.id, entry]));
  const inOrder = ids.toSorted((one, other) => {
    const [a, b] = [entryOfId.get(one), entryOfId.get(other)];
    if (a === undefined || b === undefined) return 0;
    return comesBefore(a, b) ? -1 : 1;
  });
  let reservations = before;
  const answers = new Map<string, SlotAnswer>();
  for (const id of inOrder) {
    const decision = takeSlot(reservations, id, limit, now);
    if (decision.type === 'full') {
      answers.set(id, { taken: false, ahead: decision.ahead, oldestAt: decision.oldestAt });
      continue;
    }
    reservations = decision.reservations;
    answers.set(id, decision.absent ? { taken: true, absent: true } : { taken: true });
  }
  return { reservations, answers };
}

/** A job that is polled no longer releases its slot; its price stays reserved. */
export function releaseSlot(reservations: Reservations, id: string, now: number): Reservations {
  const entry = reservations.entries.find((known) => known.id === id);
  if (entry === undefined || !entry.slot) return reservations;
  return { ...replaced(reservations, entry, { ...entry, slot: false }), slotsChangedAt: now };
}

function comesBefore(one: Reservation, other: Reservation): boolean {
  const turns = (one.turn ?? 0) - (other.turn ?? 0);
  if (turns !== 0) return turns < 0;
  return one.at < other.at || (one.at === other.at && one.id < other.id);
}
