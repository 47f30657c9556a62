// Owns what may be asked for: the checks that all three dialects of a submission share.

import { Refusal } from './answer.ts';

/** A checked submission. */
export type Submission = {
  dialect: 'generate' | 'generateImage' | 'rest';
  prompt: string;
  width: number;
  height: number;
  version?: string;
  quality?: string;
  webhookUrl?: string;
};

const SERVICE = 'flux-pro';
const VERSIONS = ['flux-pro', 'flux-pro-1.1'];
const QUALITIES = ['high'];
const DEFAULT_SIDE = 1024;
const MIN_SIDE = 256;
const MAX_SIDE = 2048;
const SIDE_STEP = 8;

/**
 * @param fields as they came
 * @param names what the dialect calls the service and the prompt, for messages that make sense to its user
 */
export function checkSubmission(
  dialect: Submission['dialect'],
  fields: Readonly<Record<string, unknown>>,
  names = { service: 'service', prompt: 'prompt' },
): Submission {
  const { service, prompt } = fields;
  if (service !== SERVICE) refuse(`${names.service} must be "${SERVICE}"`);
  if (typeof prompt !== 'string' || prompt.trim() === '') refuse(`${names.prompt} must not be empty`);
  const version = checkChoice('version', fields.version, VERSIONS);
  const quality = checkChoice('quality', fields.quality, QUALITIES);
  const webhookUrl = fields.webhookUrl ?? undefined;
  if (webhookUrl !== undefined && (typeof webhookUrl !== 'string' || !URL.canParse(webhookUrl)))
    refuse('webhookUrl must be a URL');
  return {
    dialect,
    prompt,
    width: checkSide('width', fields.width),
    height: checkSide('height', fields.height),
    ...(version !== undefined && { version }),
    ...(quality !== undefined && { quality }),
    ...(webhookUrl !== undefined && { webhookUrl }),
  };
}

function checkSide(name: string, given: unknown): number {
  const value = given ?? DEFAULT_SIDE;
  if (typeof value !== 'number' || !Number.isInteger(value)) refuse(`${name} must be an integer`);
  if (value < MIN_SIDE || value > MAX_SIDE) refuse(`${name} must be between ${MIN_SIDE} and ${MAX_SIDE}`);
  if (value % SIDE_STEP !== 0) refuse(`${name} must be a multiple of ${SIDE_STEP}`);
  return value;
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !choices.includes(value)) refuse(`${name} must be one of: ${choices.join(', ')}`);
  return value;
}

function refuse(message: string): never {
  throw new Refusal('BAD_USER_INPUT', message);
}
