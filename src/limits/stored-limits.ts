/** The form of the shared account and traffic on disk: what is written, and what may be read back. */
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { RateState } from './rate-state.ts';
import type { Reservations } from './reservations.ts';

/** Raised whenever a file of before could be misread. */
const SCHEMA = 1;

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

type Form<Value> = { read: (text: string) => Value | undefined; write: (value: Value) => string };

export const reservationsForm = formOf<Reservations>(reservationsSchema, 'account');
export const rateStateForm = formOf<RateState>(rateStateSchema, 'traffic');

function formOf<Value>(schema: z.ZodType, name: string): Form<Value> {
  const file = z.looseObject({ schema: z.int().min(1) });
  return {
    write: (value) => `${JSON.stringify({ schema: SCHEMA, [name]: value })}\n`,
    read(text) {
      let json: unknown;
      try {
        json = JSON.parse(text);
      } catch {
        return undefined;
      }
      const outer = file.safeParse(json);
      if (!outer.success) return undefined;
      if (outer.data.schema > SCHEMA) throw newer(name);
      const inner = schema.safeParse(outer.data[name]);
      // Absent and undefined mean the same here; JSON has only the former.
      return inner.success ? (inner.data as Value) : undefined;
    },
  };
}

/** Replacing it would take away what the newer version knows of money. */
function newer(name: string): FluxError {
  return new FluxError({
    kind: 'storage_failed',
    message: `The shared ${name} was written by a newer version of flux-pro-mcp and is not changed by this one, so nothing was sent.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: 'Ask the user to update flux-pro-mcp everywhere.',
  });
}
