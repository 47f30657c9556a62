/** Opens the body of an answer leniently: whatever arrives becomes a job's raw fields and a list of errors. */
import * as z from 'zod';
import { attempt } from '../core/primitives.ts';
import type { Redact } from '../core/redaction.ts';
import { cleanWithout } from '../core/untrusted-text.ts';
import { parseJsonLosslessly } from './lossless-json.ts';
import { creditsSchema, type Fields, isRecord } from './wire-values.ts';

export type WireError = {
  message: string;
  /** The message, fit to be kept: without secrets, on one line, bounded. */
  said: string;
  code?: string | undefined;
  creditsRequired?: number | undefined;
  creditsAvailable?: number | undefined;
  /** Where in the answer it belongs, beginning with the alias. */
  path?: readonly (string | number)[] | undefined;
};

export type Envelope = {
  /** What stands under the alias `job`: `undefined` when the key is missing, `null` when the service said so. */
  job: Fields | null | undefined;
  /** `data` as it came, for introspection. */
  data: Fields | undefined;
  errors: readonly WireError[];
};

const UNREADABLE: Envelope = { job: undefined, data: undefined, errors: [] };

/** Every field of interest is optional and forgets a value of a wrong type. */
const lenient = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const text = lenient(z.string());
const credits = lenient(creditsSchema);
const extensions = z.object({ code: text, creditsRequired: credits, creditsAvailable: credits }).catch({});
const errorPath = lenient(z.array(z.union([z.string(), z.number()])).max(50));
const bareText = z.string().transform((message) => ({ message }));
const wireError = z
  .object({ message: z.string().catch(''), path: errorPath, extensions: extensions.default({}) })
  .transform(({ extensions: more, ...error }) => ({ ...error, ...more }))
  .or(bareText)
  .catch({ message: '' });
const gatewayError = z.object({ message: z.string(), code: text }).or(bareText);
const body = z.object({
  data: lenient(z.custom<Fields>(isRecord)),
  errors: lenient(z.array(z.unknown())),
  // Gateways in front of GraphQL answer in shapes of their own.
  error: lenient(gatewayError),
  message: text,
});

export function openEnvelope(bodyText: string | undefined, redact: Redact): Envelope {
  const parsed = body.safeParse(withoutList(parseJson(bodyText)));
  if (!parsed.success) return UNREADABLE;
  const { data } = parsed.data;
  return { job: jobIn(data), data, errors: errorsIn(parsed.data, redact) };
}

/**
 * The REST endpoint answers with the job itself, or with it under one name; errors come in the same shapes. A refusal may
 * have an id, too, which is not the id of a job.
 */
export function openRestEnvelope(status: number, bodyText: string | undefined, redact: Redact): Envelope {
  const data = parseJson(bodyText);
  if (!isRecord(data)) return UNREADABLE;
  const reported = body.parse(data);
  if (status >= 400) return { job: undefined, data, errors: errorsIn(reported, redact) };
  const job = [data, data.data, data.job, data.result].map(withoutList).find(hasId);
  // What a job says of itself is no error.
  const errors = errorsIn(job === data ? { ...reported, error: undefined, message: undefined } : reported, redact);
  return { job: job ?? (errors.length > 0 ? undefined : jobIn(reported.data)), data, errors };
}

/** One thing was asked for: a list of one is that thing. */
function withoutList(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function hasId(value: unknown): value is Fields {
  return isRecord(value) && (typeof value.id === 'string' || typeof value.id === 'number');
}

/** A long answer may hold a picture, not more values than the largest schema: each takes many times its text. */
const VALUES_MAX = 4_000_000;

function hasTooManyValues(text: string): boolean {
  if (text.length <= VALUES_MAX) return false;
  let values = 0;
  for (const _ of text.matchAll(/[,[{]/gu)) {
    values += 1;
    if (values > VALUES_MAX) return true;
  }
  return false;
}

function parseJson(bodyText: string | undefined): unknown {
  if (bodyText === undefined || hasTooManyValues(bodyText)) return undefined;
  return attempt(() => parseJsonLosslessly(bodyText.startsWith('\uFEFF') ? bodyText.slice(1) : bodyText));
}

function jobIn(data: Fields | undefined): Envelope['job'] {
  const value = data && withoutList(answerUnder('job', data));
  return value === null || isRecord(value) ? value : undefined;
}

/** Under the alias; or under the only key there is, for a service that answers under a name of its own. */
export function answerUnder(alias: string, data: Fields): unknown {
  if (Object.hasOwn(data, alias)) return data[alias];
  const [only, ...more] = Object.values(data);
  return more.length === 0 ? only : undefined;
}

function errorsIn({ errors, error, message }: z.infer<typeof body>, redact: Redact): WireError[] {
  const single = error ?? (message === undefined ? undefined : { message });
  const reported = errors?.slice(0, 50).map((one) => wireError.parse(one)) ?? (single === undefined ? [] : [single]);
  return reported.map((one) => ({ ...one, said: cleanWithout(redact, one.message) }));
}
