/** Reads jobs and pictures out of a tool's result. It comes from outside: what is missing or odd is left out. */
import type { App } from '@modelcontextprotocol/ext-apps';
import { z } from 'zod';

const lenient = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const text = lenient(z.string().min(1));
const number = lenient(z.number());
/** Only https, or http on this machine. */
const address = z.union([
  z.url({ protocol: /^https$/u }),
  z.url({ protocol: /^http$/u, hostname: /^(?:localhost|127\.0\.0\.1|\[::1\])$/u }),
]);

const JOB = z.object({
  job_id: z.string().min(1),
  status: z.string().min(1),
  prompt: z.string().catch(''),
  width: number,
  height: number,
  /** Where the picture has another size. */
  ordered: lenient(z.object({ width: z.number(), height: z.number() })),
  version: text,
  credits: z.object({ min: number, max: number, exact: number }).catch({}),
  url: lenient(address),
  file: text,
  error: lenient(z.object({ message: z.string().min(1), credits_spent: text })),
  next: text,
  sandbox: lenient(z.literal(true)),
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
/** A part of a result has `data`, a part of a resource `blob`. */
const PICTURE = z.object({ mimeType: PICTURE_TYPE, data: BASE64.optional(), blob: BASE64.optional() });

/** What a result holds, in its order. `pictures` are `data:` addresses, `text` is all of its words. */
export type ViewedResult = { jobs: ViewedJob[]; eta: ViewedEta | undefined; pictures: string[]; text: string };

const META = 'io.github.flux-pro-mcp/';

type Result = Parameters<NonNullable<App['ontoolresult']>>[0];

export function readResult({ content = [], structuredContent, _meta = {} }: Result): ViewedResult {
  // Some hosts get jobs as data, others in `_meta`.
  const several = _meta[`${META}jobs`] ?? Object(structuredContent).jobs;
  const jobs: unknown[] = Array.isArray(several) ? several : [_meta[`${META}job`] ?? structuredContent];
  const texts = content.flatMap((part) => (part.type === 'text' ? part.text : []));
  const known = jobs.flatMap((job) => read(JOB, job) ?? []);
  const pictures = picturesIn(content);
  return {
    jobs: known,
    eta: read(ETA, _meta[`${META}eta`]),
    // A contact sheet, or a choice of them, is no picture of any one job.
    pictures: pictures.length < known.filter(({ status }) => status === 'completed').length ? [] : pictures,
    text: texts.join('\n').trim(),
  };
}

export function picturesIn(content: readonly unknown[]): string[] {
  return content.flatMap((part) => {
    const { mimeType, data, blob = data } = read(PICTURE, part) ?? {};
    return blob === undefined ? [] : [`data:${mimeType};base64,${blob}`];
  });
}

export function isFinished({ status }: ViewedJob): boolean {
  return ['completed', 'failed', 'unknown'].includes(status);
}

function read<Value>(schema: z.ZodType<Value>, value: unknown): Value | undefined {
  return schema.safeParse(value).data;
}
