// Owns the three dialects of an order, and what is answered about a job, however it is asked for.

import { Refusal } from './http.ts';
import { type Job, type Submission, statusAt } from './job.ts';
import type { Scenarios } from './scenarios.ts';
import type { Service } from './service.ts';

type Fields = Readonly<Record<string, unknown>>;
type GenerateInput = { provider: string; input: { text: string }; options?: Fields | null; webhookUrl?: unknown };

export type Orders = ReturnType<typeof createOrders>;

export function createOrders(now: () => number, scenarios: Scenarios, service: Service, urlOf: (id: string) => string) {
  const isForced = scenarios.has('moderated') || scenarios.has('failing');
  const reason = isForced ? 'a scenario asks for it' : 'its prompt asks for it';

  /** Everything that any dialect may select. */
  function describe(job: Job) {
    const { width, height, version, quality, webhookUrl = null } = job.submission;
    const status = statusAt(job, now());
    const error = { code: status.toUpperCase(), message: `The sandbox ${status} this job because ${reason}` };
    return {
      id: job.id,
      status: statusWord(job, now(), scenarios),
      type: 'IMAGE',
      provider: 'flux-pro',
      service: 'flux-pro',
      url: status === 'completed' ? urlOf(job.id) : null,
      width,
      height,
      webhookUrl,
      /** Null in the page's examples too: pictures have none. */
      duration: null,
      creditCost: job.creditCost,
      createdAt: new Date(job.createdAtMs).toISOString(),
      /** Its content is not documented; JSON leaves out what is undefined. */
      metadata: {
        duration: null,
        width,
        height,
        version,
        quality,
        error: status === 'failed' || status === 'moderated' ? error : undefined,
      },
    };
  }

  const order = (submission: Submission, key: string | undefined) => describe(service.submit(submission, key));
  return {
    describe,

    generate({ input: { provider, input, options, webhookUrl } }: { input: GenerateInput }, key: string | undefined) {
      const fields = { ...options, service: provider, prompt: input.text, webhookUrl };
      return order(checkOrder('generate', fields, { service: 'input.provider', prompt: 'input.input.text' }), key);
    },

    generateImage: ({ input }: { input: Fields }, key: string | undefined) =>
      order(checkOrder('generateImage', input), key),

    rest(body: Fields, key: string | undefined) {
      // The page's parameter table has no quality, and its response examples none of these fields.
      const { type, provider, metadata, ...shown } = order(checkOrder('rest', { ...body, quality: null }), key);
      return shown;
    },

    /** Everything that is known of a job; the page does not show how to read one by REST. */
    find(id: string) {
      const job = service.find(id);
      return job && describe(job);
    },
  };
}

const VERSIONS = ['flux-pro', 'flux-pro-1.1'];

/** @param names what the dialect calls the service and the prompt, for messages that make sense to its user */
function checkOrder(
  dialect: Submission['dialect'],
  { service, prompt, width, height, version, quality, webhookUrl }: Fields,
  names = { service: 'service', prompt: 'prompt' },
): Submission {
  if (service !== 'flux-pro') refuse(`${names.service} must be "flux-pro"`);
  if (typeof prompt !== 'string' || prompt.trim() === '') refuse(`${names.prompt} must not be empty`);
  return {
    dialect,
    prompt,
    width: checkSide('width', width),
    height: checkSide('height', height),
    ...checkText('version', version, (text) => VERSIONS.includes(text), `one of: ${VERSIONS.join(', ')}`),
    ...checkText('quality', quality, (text) => text === 'high', 'one of: high'),
    ...checkText('webhookUrl', webhookUrl, URL.canParse, 'a URL'),
  };
}

function checkSide(name: string, given: unknown): number {
  const side = given ?? 1024;
  if (typeof side !== 'number' || !Number.isInteger(side)) refuse(`${name} must be an integer`);
  if (side < 256 || side > 2048) refuse(`${name} must be between 256 and 2048`);
  if (side % 8 !== 0) refuse(`${name} must be a multiple of 8`);
  return side;
}

/** No member where the value is absent. */
function checkText(name: string, value: unknown, isRight: (text: string) => boolean, must: string) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'string' || !isRight(value)) refuse(`${name} must be ${must}`);
  return { [name]: value };
}

function refuse(message: string): never {
  throw new Refusal(400, 'BAD_USER_INPUT', message);
}

const shouted = { completed: 'SUCCEEDED', failed: 'ERROR', moderated: 'REJECTED' };

/** The word for a job's status on the wire. */
function statusWord(job: Job, nowMs: number, scenarios: Scenarios): string {
  const status = statusAt(job, nowMs);
  const isShouting = scenarios.has('shouting-status');
  if (status !== 'processing') return isShouting ? shouted[status] : status;
  const share = (nowMs - job.createdAtMs) / (job.endsAtMs - job.createdAtMs);
  if (scenarios.has('unknown-status') && share >= 1 / 2) return 'POSTPROCESSING_v2';
  if (!isShouting) return status;
  return share >= 1 / 4 ? 'IN_PROGRESS' : 'QUEUED';
}
