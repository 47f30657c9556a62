/** What the four dialects of model APIs have in common, as far as a test has to know it. */
import { randomUUID } from 'node:crypto';

/** A tool as it was offered to the model. */
export type OfferedTool = { name: string; namespace?: string; description: string; schema: unknown };

export type Picture = { mediaType: string; bytes: number; width: number; height: number };

/** What a model receives of one tool result: real pictures, and everything else as text. */
export type Received = { callId: string; text: string; pictures: Picture[] };

export type Conversation = {
  tools: OfferedTool[];
  /** In the order of the calls. Pictures that follow in a message of the user belong to the last result before them. */
  results: Received[];
  stream: boolean;
  /** Where the API itself keeps conversations: takes the answer to this one. */
  keep?: (id: string, answer: Json) => void;
};

export type ToolCall = { id: string; name: string; namespace?: string; arguments: Record<string, unknown> };

export type Answer = { call: ToolCall } | { text: string };

/** Some frameworks take two messages with one id for two versions of one message. */
export const newId = (prefix: string): string => `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 20)}`;

/** The id of a call where the client gives none back; the order of the arguments is the client's. */
export function callIdOf(name: string, args: unknown): string {
  const sorted = JSON.stringify(args, (_key, value: unknown) =>
    isRecord(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return `${name} ${sorted}`;
}

/** A written answer: JSON, or the data of server-sent events (`event: TYPE` where the dialect names them). */
export type Reply = { json: unknown } | { events: { event?: string; data: unknown }[] };

/** What the real API is documented to refuse: thrown by readers, answered with HTTP 400 and this message. */
export class Refusal extends Error {}

export type Dialect = {
  name: DialectName;
  /** The reader throws `Refusal`; what it does not know it lets pass. */
  read(body: Json, path: string): Conversation;
  write(answer: Answer, conversation: Conversation, model: string): Reply;
  refusal(message: string): unknown;
};

export type DialectName = 'chat' | 'responses' | 'anthropic' | 'gemini';

export type Json = { readonly [name: string]: unknown };

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One object for a list of one: JSON for protocol buffers takes that. */
export const listOf = (value: unknown): Json[] => recordsOf(Array.isArray(value) ? value : [value]);

export const recordsOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Whatever is no picture reaches the model as text, also the braces of an object. */
export const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));
