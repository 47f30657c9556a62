/** Tells by its name what a field or an argument holds, however a service spells it: `jobId`, `job_id`, `jobids`. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/u);

const JOB = words('job generation task prediction inference creation render rendering');
/** These are used for many other things as well. */
const VAGUE = words('request run operation process execution output result');
const IMAGE = words('image img picture photo artwork illustration');
const THING = [...JOB, ...VAGUE, ...IMAGE];
/** What a service calls what a job has made, or what it is in. */
const OUTPUT = words(`${IMAGE.join(' ')} output result sample file media asset artifact generated final download data
  response payload content`);
const STATUS = words('status state phase stage');
const FOR_URL = words(`public signed presigned cdn hosted direct full secure original storage permanent png jpg jpeg
  webp`);
const FOR_CREDITS = words('credit cost used spent charged price consumed total billed amount');
const FOR_ERROR = words('error fail failed failure fault');
const FOR_READING = words('media progress get check fetch find read poll my by of for id pk');

type Rule = {
  /** Of these words a name is made, in any order and number, up to its last one. */
  before: readonly string[];
  last: readonly string[];
  /** Of which it holds one. */
  with?: readonly string[];
};

/** What is not listed makes it the name of something else: `thumbnailUrl`, `userId`, `invoiceStatus`. */
const RULES = {
  id: { before: THING, last: words('id uuid guid uid identifier') },
  /** An argument that takes the id under another name. */
  key: { before: THING, last: [...THING, ...words('key ref reference handle of')] },
  /** An input object around the id. */
  input: { before: JOB, last: words('where filter input by arg param query option lookup') },
  status: { before: [...THING, 'current'], last: STATUS },
  credits: { before: FOR_CREDITS, last: FOR_CREDITS, with: ['credit'] },
  error: {
    before: [...JOB, 'status', 'last', ...FOR_ERROR],
    last: [...FOR_ERROR, ...words('message reason detail text')],
    with: FOR_ERROR,
  },
  reason: { before: [...JOB, ...STATUS, 'moderation'], last: words('reason message detail') },
  metadata: { before: [], last: ['metadata'] },
  url: { before: [...OUTPUT, ...FOR_URL], last: words('url uri src href link') },
  output: { before: OUTPUT, last: OUTPUT },
  base64: { before: [...IMAGE, 'b64', 'base64'], last: words('b64 base64 b64json base64data'), with: ['64'] },
  reading: { before: [...THING, ...STATUS, ...FOR_READING], last: [...THING, ...STATUS, ...FOR_READING] },
} satisfies Record<string, Rule>;
export type NameKind = keyof typeof RULES;

export function isNameOf(kind: NameKind, name: string): boolean {
  const { before, last, with: needed }: Rule = RULES[kind];
  const text = letters(name);
  const isLast = (rest: string): boolean =>
    last.includes(rest) || (rest.endsWith('s') && last.includes(rest.slice(0, -1)));
  if (needed !== undefined && !contains(text, needed)) return false;
  // Where a word can begin.
  const starts = new Set([0]);
  for (const at of starts) {
    if (isLast(text.slice(at))) return true;
    for (const word of before) {
      if (!text.startsWith(word, at)) continue;
      const end = at + word.length;
      starts.add(end);
      if (text[end] === 's') starts.add(end + 1);
    }
  }
  return false;
}

export function beginsWithOutput(name: string): boolean {
  return OUTPUT.some((word) => letters(name).startsWith(word));
}

/** How far a name is from one like `jobStatus`; `undefined` when it does not speak of jobs, or also of something else. */
export function distanceFromJob(name: string): number | undefined {
  if (!isNameOf('reading', name)) return undefined;
  const text = letters(name);
  const isOfStatus = contains(text, [...STATUS, 'progress']);
  if (contains(text, JOB)) return isOfStatus ? 0 : 2;
  if (isOfStatus) return 4;
  if (contains(text, IMAGE)) return 6;
  return contains(text, VAGUE) ? 8 : undefined;
}

export function letters(name: string): string {
  // No schema has a longer name; a key in an answer's JSON may.
  return name.length > 120 ? '' : name.toLowerCase().replace(/[^a-z\d]/gu, '');
}

function contains(text: string, some: readonly string[]): boolean {
  return some.some((word) => text.includes(word));
}
