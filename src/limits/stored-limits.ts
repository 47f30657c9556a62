/** The form of the shared limits on disk: what may be taken for rate state and reservations when it is read back. */
import * as z from 'zod';
import type { RateState } from './rate-state.ts';
import type { Reservations } from './reservations.ts';

const owner = z.object({ pid: z.number(), host: z.string(), session: z.string() });

const reservationsSchema = z.object({
  day: z.int(),
  settled: z.object({ images: z.int(), credits: z.number() }),
  entries: z.array(
    z.object({
      id: z.string(),
      fingerprint: z.string(),
      at: z.number(),
      day: z.int(),
      owner,
      maxCredits: z.number(),
      exactCredits: z.number().optional(),
      slot: z.boolean(),
      slotAt: z.number().optional(),
      turn: z.number().optional(),
      batch: z.string().optional(),
      end: z.object({ at: z.number(), outcome: z.enum(['picture', 'nothing', 'free', 'unknown']) }).optional(),
    }),
  ),
  slotsChangedAt: z.number(),
  turn: z.number().optional(),
});

const rateStateSchema = z.object({
  permits: z.array(z.number()),
  window: z.object({
    limit: z.number().optional(),
    remaining: z.number().optional(),
    resetsAt: z.number().optional(),
    pausedUntil: z.number().optional(),
  }),
  balance: z.object({ credits: z.number(), at: z.number(), counted: z.array(z.string()).optional() }).optional(),
  countsFields: z.literal(true).optional(),
  writtenAt: z.number(),
});

// Absent and undefined mean the same here; JSON has only the former.
export const parseReservations = (stored: unknown): Reservations | undefined =>
  reservationsSchema.safeParse(stored).data as Reservations | undefined;
export const parseRateState = (stored: unknown): RateState | undefined =>
  rateStateSchema.safeParse(stored).data as RateState | undefined;
