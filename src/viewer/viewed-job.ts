/** Reads jobs and pictures out of a tool's result. It comes from outside: what is missing or odd is left out. */
import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);
const number = z.number().optional().catch(undefined);

const JOB = z.object({
  job_id: z.string().min(1),
  status: z.string().min(1),
  prompt: z.string().catch(''),
  width: number,
  height: number,
  /** Where the picture has another size. */
  ordered: z.object({ width: z.number(), height: z.number() }).optional().catch(undefined),
  version: text,
  credits: z.object({ min: number, max: number, exact: number }).catch({}),
  url: z.string().refine(mayBeOpened).optional().catch(undefined),
  file: text,
  error: z
    .object({ message: z.string().min(1), credits_spent: text })
    .optional()
    .catch(undefined),
  next: text,
  sandbox: z.literal(true).optional().catch(undefined),
});
export type ViewedJob = z.infer<typeof JOB>;

const ETA = z.object({
  fraction: z.number().transform((part) => Math.min(1, Math.max(0, part))),
  seconds_left: number,
});
/** How far along an unfinished job is: `fraction` in [0, 1]. */
export type ViewedEta = z.infer<typeof ETA>;

const PICTURE_TYPE = z.enum(['image/jpeg', 'image/png', 'image/webp', 'image/avif']);
const BASE64 = z.string().refine((data) => /^[A-Za-z0-9+/]+={0,2}$/u.test(data.slice(0, 200)));
const IMAGE_PART = z.object({ type: z.literal('image'), data: BASE64, mimeType: PICTURE_TYPE });
const PICTURE_RESOURCE = z.object({ blob: BASE64, mimeType: PICTURE_TYPE });
const WITH_TEXT = z.object({ text: z.string() });
const WITH_JOBS = z.object({ jobs: z.array(z.unknown()) });

export type ResultLike = {
  content?: readonly unknown[] | undefined;
  structuredContent?: unknown;
  _meta?: Readonly<Record<string, unknown>> | undefined;
};

const META = 'io.github.flux-pro-mcp/';

/** The jobs in a result, in its order. Some hosts get them as data, others in `_meta`. */
export function jobsIn({ _meta = {}, structuredContent }: ResultLike): ViewedJob[] {
  const several = read(WITH_JOBS, { jobs: _meta[`${META}jobs`] }) ?? read(WITH_JOBS, structuredContent);
  const jobs = several?.jobs ?? [_meta[`${META}job`] ?? structuredContent];
  return jobs.flatMap((job) => read(JOB, job) ?? []);
}

export function etaIn({ _meta = {} }: ResultLike): ViewedEta | undefined {
  return read(ETA, _meta[`${META}outlook`]);
}

/** `data:` addresses of the pictures in a result. */
export function picturesIn({ content = [] }: ResultLike): string[] {
  return content.flatMap((part) => {
    const { mimeType, data } = read(IMAGE_PART, part) ?? {};
    return data === undefined ? [] : [`data:${mimeType};base64,${data}`];
  });
}

/** The picture in what a resource holds. */
export function pictureIn(contents: readonly unknown[]): string | undefined {
  const found = contents.map((part) => read(PICTURE_RESOURCE, part)).find((picture) => picture !== undefined);
  return found && `data:${found.mimeType};base64,${found.blob}`;
}

/** All words of a result. */
export function textIn({ content = [] }: ResultLike): string {
  const texts = content.flatMap((part) => read(WITH_TEXT, part)?.text ?? []);
  return texts.join('\n').trim();
}

export function isFinished({ status }: ViewedJob): boolean {
  return ['completed', 'failed', 'unknown'].includes(status);
}

/** Only https, or http on this machine. */
function mayBeOpened(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

function read<Value>(schema: z.ZodType<Value>, value: unknown): Value | undefined {
  return schema.safeParse(value).data;
}
