/** Tells by its name what a field or an argument holds, however a service spells it: `jobId`, `job_id`, `jobids`. */

const JOB = 'job|generation|task|prediction|inference|creation|render|rendering';
/** These are used for many other things as well. */
const VAGUE = 'request|run|operation|process|execution|output|result';
const IMAGE = 'image|img|picture|photo|artwork|illustration';
const THING = `${JOB}|${VAGUE}|${IMAGE}`;
const STATUS = 'status|state|phase|stage';
/** What a service calls what a job has made, or what it is in. */
const MADE = 'sample|file|media|asset|artifact|generated|final|download|data|response|payload|content';
const OUTPUT = `${IMAGE}|output|result|${MADE}`;
const FOR_URL = 'public|signed|presigned|cdn|hosted|direct|full|secure|original|storage|permanent|png|jpg|jpeg|webp';
const FOR_CREDITS = 'credit|cost|used|spent|charged|price|consumed|total|billed|amount';
const FOR_ERROR = 'error|fail|failed|failure|fault';
const FOR_READING = `${THING}|${STATUS}|media|progress|get|check|fetch|find|read|poll|my|by|of|for|id|pk`;

/**
 * @param before of these words a name is made, in any order and number, up to its last one
 * @param needed of these it holds one
 */
const named = (before: string, last: string, needed: string): RegExp =>
  new RegExp(`^(?=.*(?:${needed}))(?:(?:${before})s?)*(?:${last})s?$`, 'u');

/** What is not listed makes it the name of something else: `thumbnailUrl`, `userId`, `invoiceStatus`. */
const NAMES = {
  id: named(THING, 'id|uuid|guid|uid|identifier', ''),
  /** An argument that takes the id under another name. */
  key: named(THING, `${THING}|key|ref|reference|handle|of`, ''),
  /** An input object around the id. */
  input: named(JOB, 'where|filter|input|by|arg|param|query|option|lookup', ''),
  status: named(`${THING}|current`, STATUS, ''),
  credits: named(FOR_CREDITS, FOR_CREDITS, 'credit'),
  error: named(`${JOB}|status|last|${FOR_ERROR}`, `${FOR_ERROR}|message|reason|detail|text`, FOR_ERROR),
  reason: named(`${JOB}|${STATUS}|moderation`, 'reason|message|detail', ''),
  metadata: /^metadatas?$/u,
  url: named(`${OUTPUT}|${FOR_URL}`, 'url|uri|src|href|link', ''),
  output: named(OUTPUT, OUTPUT, ''),
  base64: named(`${IMAGE}|b64|base64`, 'b64|base64|b64json|base64data', '64'),
  reading: named(FOR_READING, FOR_READING, ''),
};
export type NameKind = keyof typeof NAMES;

export const isNameOf = (kind: NameKind, name: string): boolean => NAMES[kind].test(letters(name));

export const beginsWithOutput = (name: string): boolean => new RegExp(`^(?:${OUTPUT})`, 'u').test(letters(name));

/** How far a name is from one like `jobStatus`; `undefined` when it does not speak of jobs, or also of something else. */
export function distanceFromJob(name: string): number | undefined {
  if (!isNameOf('reading', name)) return undefined;
  const text = letters(name);
  const isOfStatus = new RegExp(`${STATUS}|progress`, 'u').test(text);
  if (new RegExp(JOB, 'u').test(text)) return isOfStatus ? 0 : 2;
  if (isOfStatus) return 4;
  if (new RegExp(IMAGE, 'u').test(text)) return 6;
  return new RegExp(VAGUE, 'u').test(text) ? 8 : undefined;
}

function letters(name: string): string {
  // No schema has a longer name; a key in an answer's JSON may.
  return name.length > 120 ? '' : name.toLowerCase().replace(/[^a-z\d]/gu, '');
}
