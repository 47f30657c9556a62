// Owns REST in the sandbox: a submission, read by the page's parameter table, and the reading of a job.

import type { JobView } from './job-view.ts';
import { Refusal } from './refusal.ts';
import type { Placement, Service } from './service.ts';
import { checkSubmission } from './submission.ts';

export type RestEndpoint = {
  /** Answers with the fields that the page's response examples show, and the size and cost. */
  submit(body: string, placement: Placement): object;
  /** Answers with all that is told of a job; the page shows no way to read one by REST. */
  read(id: string): object;
};

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below like any other body that is not an object.
  }
  throw new Refusal('BAD_REQUEST', 'The body must be a JSON object');
}

export function createRestEndpoint(service: Service, { describe }: JobView): RestEndpoint {
  return {
    submit(body, placement) {
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
      } = describe(service.submit(submission, placement));
      return job;
    },

    read(id) {
      const job = service.find(id);
      if (!job) throw new Refusal('NOT_FOUND', `There is no job ${id}`);
      return describe(job);
    },
  };
}
