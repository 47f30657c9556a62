/** Reads jobs and pictures out of a tool's result. It comes from outside: what is missing or odd is left out. */

export type ViewedJob = {
  jobId: string;
  status: string;
  prompt: string;
  width: number | undefined;
  height: number | undefined;
  /** Where the picture has another size. */
  ordered: { width: number; height: number } | undefined;
  version: string | undefined;
  credits: { min: number | undefined; max: number | undefined; exact: number | undefined };
  /** Only https, or http on this machine. */
  url: string | undefined;
  file: string | undefined;
  error: { message: string; creditsSpent: string | undefined } | undefined;
  next: string | undefined;
  sandbox: boolean;
};

/** How far along an unfinished job is: `fraction` in [0, 1]. */
export type ViewedEta = { fraction: number; secondsLeft: number | undefined };

export type ResultLike = {
  content?: readonly unknown[] | undefined;
  structuredContent?: unknown;
  _meta?: unknown;
  isError?: boolean | undefined;
};

const META = 'io.github.flux-pro-mcp/';
const PICTURE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/avif'];

/** The jobs in a result, in its order. Some hosts get them as data, others in `_meta`. */
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
  return { fraction: Math.min(1, Math.max(0, fraction)), secondsLeft: numberOf(eta.seconds_left) };
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
  const pictures = contents.map(recordOf).map(({ blob, mimeType }) => pictureOf(blob, mimeType));
  return pictures.find((picture) => picture !== undefined);
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

function jobOf(value: unknown): ViewedJob | undefined {
  const job = recordOf(value);
  const jobId = textOf(job.job_id);
  const status = textOf(job.status);
  if (jobId === undefined || status === undefined) return undefined;
  const ordered = recordOf(job.ordered);
  const [width, height] = [numberOf(ordered.width), numberOf(ordered.height)];
  const credits = recordOf(job.credits);
  const error = recordOf(job.error);
  const message = textOf(error.message);
  return {
    jobId,
    status,
    prompt: textOf(job.prompt) ?? '',
    sandbox: job.sandbox === true,
    width: numberOf(job.width),
    height: numberOf(job.height),
    ordered: width === undefined || height === undefined ? undefined : { width, height },
    version: textOf(job.version),
    credits: { min: numberOf(credits.min), max: numberOf(credits.max), exact: numberOf(credits.exact) },
    url: addressOf(job.url),
    file: textOf(job.file),
    next: textOf(job.next),
    error: message === undefined ? undefined : { message, creditsSpent: textOf(error.credits_spent) },
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
