/** The form of what is learnt of durations on disk. Whatever cannot be read is learnt again. */
import * as z from 'zod';
import { type Durations, durationsSchema } from './durations.ts';

/** Raised whenever a file of before could be misread. */
const SCHEMA = 2;

/** By the kind of picture; the one that was changed last stands last. */
export type Kinds = Readonly<Record<string, Durations>>;

const fileSchema = z.object({ schema: z.literal(SCHEMA), kinds: z.record(z.string(), durationsSchema) });

export const kindsForm = {
  write: (kinds: Kinds): string => `${JSON.stringify({ schema: SCHEMA, kinds })}\n`,
  read(text: string): Kinds | undefined {
    try {
      return fileSchema.safeParse(JSON.parse(text)).data?.kinds;
    } catch {
      return undefined;
    }
  },
};
