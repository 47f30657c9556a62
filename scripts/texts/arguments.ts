/** What a model reads of arguments that are wrong, as models make them. */
import { allTitled } from './markdown.ts';
import { calledText, jobService, serve } from './served.ts';

const CASES: readonly (readonly [title: string, tool: string, args: object])[] = [
  ['as other services take them', 'generate_image', { prompt: '', size: '1024x1024', n: 4, seed: 7 }],
  [
    'as other services take them, too',
    'generate_image',
    {
      prompt: 'a fox',
      negative_prompt: 'snow',
      style: 'watercolour',
      resolution: 'hd',
      model: 'flux-pro',
      output_path: '/tmp/fox.png',
      response_format: 'b64_json',
      image_url: 'https://example.com/fox.jpg',
      webhook_url: 'https://example.com/hook',
    },
  ],
  [
    'out of their bounds',
    'generate_image',
    { width: 100, height: 1_001, file_name: '../fox', version: 'flux-2', wait_seconds: 900, max_credits: 0.5 },
  ],
  ['that contradict each other', 'generate_image', { prompt: 'a fox', aspect_ratio: '16:9', width: 512, height: 512 }],
  ['a prompt that is too long', 'generate_image', { prompt: 'a fox '.repeat(1_000) }],
  [
    'a prompt with control characters, and names that are misspelt',
    'generate_image',
    { prompt: 'a\u0007fox', widht: 512 },
  ],
  [
    'in the wrong place',
    'generate_images',
    { images: [{ prompt: 'a fox', quality: 'high' }, {}], prompt: 'a fox', size: 'large' },
  ],
  ['no list', 'generate_images', { images: 'a fox' }],
  ['an empty list', 'generate_images', { images: [] }],
  ['no job', 'get_job_status', {}],
  ['two ways to name a job', 'get_job_status', { job_id: 'job_1', job_ids: ['job_2'] }],
  ['a job that is not on record', 'get_job_status', { job_id: 'job_1' }],
  ['jobs that are not on record', 'get_job_status', { job_ids: ['job_1', 'job_2'] }],
  ['a value of another type', 'check_rate_limits', { refresh: 'perhaps' }],
];

export async function wrongArguments(): Promise<string> {
  const ask = await serve(jobService([], { check: async () => undefined }));
  return allTitled(CASES.map(([title, tool, args]) => [`${tool}: ${title}`, () => calledText(ask, tool, args)]));
}
