// Owns the three dialects of an order and the reading of a job: what each takes, checks, costs and answers with.

import { Refusal } from './http.ts';
import type { Submission } from './job.ts';
import type { JobView } from './job-view.ts';
import type { Service } from './service.ts';

type Fields = Readonly<Record<string, unknown>>;
type GenerateInput = { provider: string; input: { text: string }; options?: Fields | null; webhookUrl?: unknown };

export type Orders = ReturnType<typeof createOrders>;

export function createOrders(service: Service, { describe }: JobView) {
  const order = (submission: Submission, key: string | undefined) => describe(service.submit(submission, key));
  return {
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
