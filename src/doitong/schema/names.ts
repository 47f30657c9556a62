/** Tells by its name what a field or an argument holds, however a service spells it: `jobId`, `job_id`, `jobids`. */

// No word may stand twice in one pattern: a name that can be taken apart in two ways takes long to be refused.
const JOB = 'job|generation|task|prediction|inference|creation|render|rendering';
/** These are used for many other things as well. */
const VAGUE = 'request|run|operation|process|execution';
const IMAGE = 'image|img|picture|photo|artwork|illustration';
const MADE = `${IMAGE}|output|result`;
/** What else a service calls what a job has made, or what it is in. */
const OUTPUT = `${MADE}|sample|file|media|asset|artifact|generated|final|download|data|response|payload|content`;
const STATUS = 'status|state|phase|stage';
const FOR_URL = 'public|signed|presigned|cdn|hosted|direct|full|secure|original|storage|permanent|png|jpg|jpeg|webp';
const OF_CREDITS = '(?:cost|used|spent|charged|price|consumed|total|billed|amount)*';

/** A name as a whole, in lower case and without separators. What is not listed speaks of something else: `thumbnailUrl`. */
const PATTERNS = {
  id: new RegExp(`^(?:(?:${JOB}|${VAGUE}|${MADE})s?)*(?:id|uuid|guid|uid|identifier)s?$`, 'u'),
  /** An argument that takes the id under another name. */
  key: new RegExp(`^(?:(?:${JOB}|${VAGUE}|${MADE})s?)*(?:${JOB}|${VAGUE}|${MADE}|key|ref|reference|handle|of)$`, 'u'),
  /** An input object around the id. */
  input: new RegExp(`^(?:${JOB}|where|filter|input|by|arg|params?|query|options|lookup)+$`, 'u'),
  status: new RegExp(`^(?:(?:${JOB}|${VAGUE}|${MADE}|current)s?)*(?:${STATUS})$`, 'u'),
  credits: new RegExp(`^${OF_CREDITS}credits?${OF_CREDITS}$`, 'u'),
  error: new RegExp(
    `^(?:${JOB}|status|last)*(?:error|fail|failed|failure|fault)s?(?:message|reason|detail|text)?$`,
    'u',
  ),
  reason: new RegExp(`^(?:${JOB}|status|state|moderation)*(?:reason|message|detail)s?$`, 'u'),
  metadata: /^metadata$/u,
  url: new RegExp(`^(?:(?:${OUTPUT}|${FOR_URL})s?)*(?:url|uri|src|href|link)s?$`, 'u'),
  output: new RegExp(`^(?:(?:${OUTPUT})s?)+$`, 'u'),
  beginsWithOutput: new RegExp(`^(?:${OUTPUT})`, 'u'),
  base64: new RegExp(`^(?:(?:${IMAGE})s?)?(?:b64|base64)(?:json|data|string|encoded)?$`, 'u'),
  /** Made of nothing but words for reading a job. */
  reading: new RegExp(
    `^(?:(?:${JOB}|${VAGUE}|${MADE}|${STATUS}|media)s?|progress|get|check|fetch|find|read|poll|my|by|of|for|id|pk)+$`,
    'u',
  ),
} as const;
const NAME_MAX_CHARACTERS = 120;

const letters = (name: string): string =>
  // No schema has a longer name; a key in an answer's JSON may.
  name.length > NAME_MAX_CHARACTERS ? '' : name.toLowerCase().replace(/[^a-z\d]/gu, '');

export type NameKind = keyof typeof PATTERNS;

export function isNameOf(kind: NameKind, name: string): boolean {
  return PATTERNS[kind].test(letters(name));
}

const SPEAKS_OF_JOB = new RegExp(JOB, 'u');
const SPEAKS_OF_STATUS = new RegExp(`${STATUS}|progress`, 'u');
const SPEAKS_OF_IMAGE = new RegExp(IMAGE, 'u');
const SPEAKS_VAGUELY = new RegExp(`${VAGUE}|output|result`, 'u');

/** How far a name is from one like `jobStatus`; `undefined` when it does not speak of jobs, or also of something else. */
export function distanceFromJob(name: string): number | undefined {
  if (!isNameOf('reading', name)) return undefined;
  const spoken = letters(name);
  const ofStatus = SPEAKS_OF_STATUS.test(spoken);
  if (SPEAKS_OF_JOB.test(spoken)) return ofStatus ? 0 : 2;
  if (ofStatus) return 4;
  if (SPEAKS_OF_IMAGE.test(spoken)) return 6;
  return SPEAKS_VAGUELY.test(spoken) ? 8 : undefined;
}
