/** Reads jobs and pictures out of a tool's result. It comes from outside: what is missing or odd is left out. */

export type ViewedJob = {
  jobId: string;
  status: string;
  prompt: string;
  width?: number;
  height?: number;
  /** Where the picture has another size. */
  ordered?: { width: number; height: number };
  version?: string;
  credits?: { min?: number; max?: number; exact?: number };
  /** Only https, or http on this machine. */
  url?: string;
  file?: string;
  error?: { message: string; creditsSpent?: string };
  next?: string;
  sandbox: boolean;
};

/** How far along an unfinished job is: `fraction` in [0, 1]. */
export type ViewedEta = { fraction: number; secondsLeft?: number };

export type ResultLike = {
  content?: readonly unknown[] | undefined;
  structuredContent?: unknown;
  _meta?: unknown;
  isError?: boolean | undefined;
};

const META = 'io.github.flux-pro-mcp/';
const PICTURE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/avif'];

/** The jobs that a result tells of, in its order. Some hosts get them as data, others beside it. */
export function jobsIn(result: ResultLike): ViewedJob[] {
  const meta = recordOf(result._meta);
  const data = recordOf(result.structuredContent);
  const several = listOf(meta[`${META}jobs`]) ?? listOf(data.jobs);
  const raw = several ?? [meta[`${META}job`] ?? result.structuredContent];
  return raw.flatMap((one) => jobOf(one) ?? []);
}

export function etaIn(result: ResultLike): ViewedEta | undefined {
  const eta = recordOf(recordOf(result._meta)[`${META}outlook`]);
  const fraction = numberOf(eta.fraction);
  if (fraction === undefined) return undefined;
  const secondsLeft = numberOf(eta.seconds_left);
  return { fraction: Math.min(1, Math.max(0, fraction)), ...(secondsLeft === undefined ? {} : { secondsLeft }) };
}

/** `data:` addresses of the pictures in a result. */
export function picturesIn(result: ResultLike): string[] {
  return (result.content ?? []).flatMap((part) => {
    const { type, data, mimeType } = recordOf(part);
    return type === 'image' ? (pictureOf(data, mimeType) ?? []) : [];
  });
}

/** The picture in what a resource holds. */
export function pictureIn(contents: readonly unknown[]): string | undefined {
  for (const one of contents) {
    const { blob, mimeType } = recordOf(one);
    const picture = pictureOf(blob, mimeType);
    if (picture !== undefined) return picture;
  }
  return undefined;
}

/** All words of a result. */
export function textIn(result: ResultLike): string {
  return (result.content ?? [])
    .flatMap((part) => textOf(recordOf(part).text) ?? [])
    .join('\n')
    .trim();
}

export function isFinished({ status }: ViewedJob): boolean {
  return ['completed', 'failed', 'unknown'].includes(status);
}

/** Where a host takes little, the server shortens prompts and says so at their end: nothing is ordered by these. */
export function hasWholePrompt({ prompt }: ViewedJob): boolean {
  return prompt !== '' && !prompt.endsWith('… [shortened]');
}

function pictureOf(data: unknown, mimeType: unknown): string | undefined {
  if (typeof data !== 'string' || typeof mimeType !== 'string') return undefined;
  const known = PICTURE_TYPES.includes(mimeType) && /^[A-Za-z0-9+/]+={0,2}$/u.test(data.slice(0, 200));
  return known ? `data:${mimeType};base64,${data}` : undefined;
}

function sizeIn(value: unknown): ViewedJob['ordered'] {
  const { width, height } = recordOf(value);
  const size = { width: numberOf(width), height: numberOf(height) };
  return size.width === undefined || size.height === undefined ? undefined : { width: size.width, height: size.height };
}

function jobOf(value: unknown): ViewedJob | undefined {
  const job = recordOf(value);
  const jobId = textOf(job.job_id);
  const status = textOf(job.status);
  if (jobId === undefined || status === undefined) return undefined;
  const credits = recordOf(job.credits);
  const error = recordOf(job.error);
  const message = textOf(error.message);
  return {
    jobId,
    status,
    prompt: textOf(job.prompt) ?? '',
    sandbox: job.sandbox === true,
    ...optional('width', numberOf(job.width)),
    ...optional('height', numberOf(job.height)),
    ...optional('ordered', sizeIn(job.ordered)),
    ...optional('version', textOf(job.version)),
    credits: {
      ...optional('min', numberOf(credits.min)),
      ...optional('max', numberOf(credits.max)),
      ...optional('exact', numberOf(credits.exact)),
    },
    ...optional('url', addressOf(job.url)),
    ...optional('file', textOf(job.file)),
    ...optional('next', textOf(job.next)),
    ...(message === undefined ? {} : { error: { message, ...optional('creditsSpent', textOf(error.credits_spent)) } }),
  };
}

function addressOf(value: unknown): string | undefined {
  const text = textOf(value);
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { protocol, hostname } = new URL(text);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isHere) ? text : undefined;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

const listOf = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}
