/** Repairs what can mean one thing only in the arguments of a call. */
import type * as z from 'zod';
import { attempt, excessOf } from '../core/primitives.ts';

export type Schema = z.core.JSONSchema.BaseSchema;

/** Of an entry of a list, or of a property. */
export function schemaIn(schema: Schema | undefined, part: PropertyKey): Schema | undefined {
  const { items, properties = {} } = schema ?? {};
  const ofProperty = Object.hasOwn(properties, part) ? properties[String(part)] : undefined;
  const inner = typeof part === 'number' ? items : ofProperty;
  return typeof inner === 'object' && !Array.isArray(inner) ? inner : undefined;
}

/** What a workflow program adds to every call for itself. */
const OF_THE_HOST = ['toolCallId', 'sessionId', 'action', 'chatInput'];

/** Hosts give what their model left out as null or empty, and numbers and lists as text. Nothing is guessed. */
export function repaired(value: unknown, schema: Schema | undefined, dropped = OF_THE_HOST): unknown {
  if (typeof value === 'string') return readText(value, schema);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one, at) => repaired(one, schemaIn(schema, at), []));
  const isOptional = (name: string) => schemaIn(schema, name) !== undefined && !schema?.required?.includes(name);
  const isAbsent = (name: string, one: unknown) => (one === null || one === '') && isOptional(name);
  const given = Object.entries(value).filter(([name, one]) => !dropped.includes(name) && !isAbsent(name, one));
  return Object.fromEntries(given.map(([name, one]) => [name, repaired(one, schemaIn(schema, name), [])]));
}

function readText(text: string, schema: Schema | undefined): unknown {
  const { type } = schema ?? {};
  const word = text.slice(0, 6).toLowerCase();
  if (type === 'boolean') return word === 'true' || word === 'false' ? word === 'true' : text;
  if (type === 'integer' || type === 'number')
    return Number.isFinite(Number(text)) && String(Number(text)) === text ? Number(text) : text;
  if (type !== 'array') return text;
  const list = attempt((): unknown => JSON.parse(text));
  // The bounds of a call hold for what it hides in a text, too.
  return Array.isArray(list) && excessOf(list) === undefined ? repaired(list, schema) : text;
}
