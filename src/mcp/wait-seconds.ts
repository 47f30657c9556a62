/** The bound of `wait_seconds`, the same for every tool that waits. */
import * as z from 'zod';

const WAIT_SECONDS_MAX = 300;

/** Seconds; 0 answers at once. */
export const waitSecondsSchema = z.number().min(0).max(WAIT_SECONDS_MAX);
