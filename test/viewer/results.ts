/** Results as the server sends them, for the viewer to show. */
import { drawPicture } from '../../sandbox/drawing.ts';
import type { Result } from './stage.ts';

export const PROMPT = 'A lighthouse on a cliff at dawn, soft warm light, wide angle, calm sea, watercolour';
const META = 'io.github.flux-pro-mcp/';

export const pictureData = async (prompt: string, width: number, height: number): Promise<string> =>
  Buffer.from(await drawPicture(prompt, width, height)).toString('base64');

export function jobOf(patch: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    job_id: 'job_1',
    status: 'completed',
    prompt: PROMPT,
    width: 1216,
    height: 832,
    version: 'flux-pro-1.1',
    credits: { min: 10, max: 20, exact: 12 },
    url: 'https://cdn.doitong.com/outputs/1.jpg',
    file: '/home/user/Pictures/flux-pro/2026-11/a-lighthouse_job_1.jpg',
    created_at: '2026-11-26T10:00:00.000Z',
    next: 'Show the picture to the user and say where the file is.',
    ...patch,
  };
}

export const openJob = (patch: Record<string, unknown> = {}): Record<string, unknown> => {
  const {
    url: _url,
    file: _file,
    ...rest
  } = jobOf({ status: 'processing', credits: { min: 10, max: 20, exact: null } });
  return { ...rest, ...patch };
};

const imageOf = (data: string): Result => ({ type: 'image', data, mimeType: 'image/jpeg' });

/** As hosts get it that take data. */
export const dataResult = (job: Record<string, unknown>, ...pictures: string[]): Result => ({
  content: [{ type: 'text', text: 'The picture is finished and saved.' }, ...pictures.map(imageOf)],
  structuredContent: job,
});

/** As hosts get it that would drop everything else next to data. */
export const metaResult = (job: Record<string, unknown>, picture?: string, eta?: object): Result => ({
  content: [{ type: 'text', text: 'words' }, ...(picture === undefined ? [] : [imageOf(picture)])],
  _meta: { [`${META}job`]: job, ...(eta === undefined ? {} : { [`${META}eta`]: eta }) },
});

export const severalResult = (jobs: Record<string, unknown>[], pictures: string[]): Result => ({
  content: [{ type: 'text', text: 'words' }, ...pictures.map(imageOf)],
  _meta: { [`${META}jobs`]: jobs },
});
