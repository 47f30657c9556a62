// Owns the sandbox's REST door: a submission by POST /v1/text_to_image, read by the page's parameter table.

import { describeJob } from './job.ts';
import { Refusal } from './refusal.ts';
import type { Service } from './service.ts';
import { checkSubmission } from './submission.ts';

type Dependencies = { service: Service; now: () => number; origin: () => string };

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below like any other body that is not an object.
  }
  throw new Refusal('BAD_REQUEST', 'The body must be a JSON object');
}

/** Answers with the fields that the page's response examples show, and the size and cost. */
export function submitByRest({ service, now, origin }: Dependencies, body: string, idempotencyKey: string | undefined) {
  const { service: name, prompt, width, height, version, webhookUrl } = parseObject(body);
  const submission = checkSubmission('rest', {
    service: name,
    prompt,
    width,
    height,
    version,
    quality: undefined,
    webhookUrl,
  });
  const {
    type: _type,
    provider: _provider,
    metadata: _metadata,
    ...job
  } = describeJob(service.submit(submission, idempotencyKey), now(), origin());
  return job;
}
