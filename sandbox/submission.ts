// Owns what may be asked for: the checks that all three dialects of a submission share.

import { Refusal } from './refusal.ts';

export type Dialect = 'generate' | 'generateImage' | 'rest';

/** A checked submission. */
export type Submission = {
  dialect: Dialect;
  prompt: string;
  width: number;
  height: number;
  version?: string;
  quality?: string;
  webhookUrl?: string;
};

/** The fields of a submission as they came, not yet checked. */
export type SubmissionFields = Record<
  'service' | 'prompt' | 'width' | 'height' | 'version' | 'quality' | 'webhookUrl',
  unknown
>;

const SERVICE = 'flux-pro';
const VERSIONS = ['flux-pro', 'flux-pro-1.1'];
const QUALITIES = ['high'];
const DEFAULT_SIDE = 1024;
const MIN_SIDE = 256;
const MAX_SIDE = 2048;
const SIDE_STEP = 8;

function refuse(message: string): never {
  throw new Refusal('BAD_USER_INPUT', message);
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

function checkSide(name: string, value: unknown): number {
  if (isAbsent(value)) return DEFAULT_SIDE;
  if (typeof value !== 'number' || !Number.isInteger(value)) refuse(`${name} must be an integer`);
  if (value < MIN_SIDE || value > MAX_SIDE) refuse(`${name} must be between ${MIN_SIDE} and ${MAX_SIDE}`);
  if (value % SIDE_STEP !== 0) refuse(`${name} must be a multiple of ${SIDE_STEP}`);
  return value;
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): string | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string' || !choices.includes(value)) refuse(`${name} must be one of: ${choices.join(', ')}`);
  return value;
}

function checkWebhook(value: unknown): string | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string' || !URL.canParse(value)) refuse('webhookUrl must be a URL');
  return value;
}

/** `names` are what the dialect calls the service and the prompt, for messages that make sense to its user. */
export function checkSubmission(
  dialect: Dialect,
  fields: SubmissionFields,
  names: { service: string; prompt: string } = { service: 'service', prompt: 'prompt' },
): Submission {
  if (fields.service !== SERVICE) refuse(`${names.service} must be "${SERVICE}"`);
  if (typeof fields.prompt !== 'string' || fields.prompt.trim() === '') refuse(`${names.prompt} must not be empty`);
  const version = checkChoice('version', fields.version, VERSIONS);
  const quality = checkChoice('quality', fields.quality, QUALITIES);
  const webhookUrl = checkWebhook(fields.webhookUrl);
  return {
    dialect,
    prompt: fields.prompt,
    width: checkSide('width', fields.width),
    height: checkSide('height', fields.height),
    ...(version !== undefined && { version }),
    ...(quality !== undefined && { quality }),
    ...(webhookUrl !== undefined && { webhookUrl }),
  };
}
