/** What a tool is: data, in one file each. Dependencies arrive with the call, so that listing tools needs none. */
import type * as z from 'zod';
import type { Job } from '../core/job.ts';
import type { Answer } from '../jobs/orders.ts';
import type { Eta } from '../jobs/image-jobs.ts';
import type { McpDeps } from './mcp-deps.ts';

/** What a handler may use. Foreign text is redacted before it is shortened: half a secret is not recognised any more. */
export type ToolContext = Pick<McpDeps, 'jobs' | 'redact' | 'sandbox' | 'defaultWaitSeconds'> & {
  /** Aborted when the caller gives up; ends waits, never jobs. */
  signal: AbortSignal;
  /** Reports the progress of the wait; `fraction` in [0, 1). Does nothing if the caller did not ask for it. */
  progress: (fraction: number, message: string) => void;
  /** Epoch milliseconds. */
  now: () => number;
  /** Whether this client can put a question to its user; `unanswered`: it left the last one without an answer. */
  canAsk: boolean | 'unanswered';
  /** The answer to the question that an earlier run of this call asked; `undefined` if it asked none. */
  answer: Answer | undefined;
};

export type SingleOutcome = {
  type: 'job';
  job: Job;
  /** An equal request had ordered it before. */
  duplicate?: boolean;
  waitedSeconds?: number | undefined;
  /** Of an unfinished job. */
  eta?: Eta | undefined;
};

/** Several jobs of one call, in the order of its entries. */
export type JobsOutcome = {
  type: 'jobs';
  jobs: readonly Job[];
  /** The ids of those that an equal request had ordered before. */
  duplicates: readonly string[];
  waitedSeconds?: number | undefined;
  /** Whether the very same call finds these jobs again and orders nothing twice. */
  repeatable: boolean;
};

/** The user is asked; with the answer the call runs again from its beginning. Nothing may have happened by now. */
export type Question = { type: 'ask'; question: string; yes: string };

/** What a handler answers: one value, rendered as text and as data elsewhere. */
export type ToolOutcome =
  | SingleOutcome
  | JobsOutcome
  | Question
  | { type: 'value'; value: Record<string, unknown>; text: string };

export type Tool<Input extends z.ZodObject = z.ZodObject> = {
  name: string;
  title: string;
  /** At most 1,024 characters, written for a model: when to use it, what it costs, what comes back. */
  description: string;
  /** `read` sends nothing that costs; `spend` orders pictures. Every annotation of the tool follows from this. */
  effect: 'read' | 'spend';
  /** Strict: a misspelt argument is an error, not a default that spends. */
  input: Input;
  /** Declared only by tools that always send `structuredContent`. */
  output?: z.ZodObject;
  /** Hosts with MCP Apps show its results in the viewer. */
  hasViewer?: true;
  /** Gets what `input` has parsed. */
  handle(input: z.output<Input>, context: ToolContext): Promise<ToolOutcome>;
};

/** Checks here that the handler takes what the schema gives. */
export function defineTool<Input extends z.ZodObject>(tool: Tool<Input>): Tool {
  return tool;
}

/** For descriptions: not every host passes the choices of a schema on to its model. */
export function choices(names: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names);
}
