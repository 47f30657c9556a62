/** Settles how zod works in this process; imported before anything that makes a schema. */
import * as z from 'zod';

// zod would compile a function for each schema at its first use: worth it for thousands of values, a waste at start.
z.config({ jitless: true });
