// Owns the three dialects of an order and the reading of a job: what each takes, and what it answers with.

import type { JobView } from './job-view.ts';
import type { Placement, Service } from './service.ts';
import { checkSubmission } from './submission.ts';

type GenerateInput = {
  provider: string;
  input: { text: string };
  options?: Record<string, unknown> | null;
  webhookUrl?: unknown;
};

export type Dialects = ReturnType<typeof createDialects>;

export function createDialects(service: Service, { describe }: JobView) {
  return {
    generate({ input: { provider, input, options, webhookUrl } }: { input: GenerateInput }, placement: Placement) {
      const fields = { ...options, service: provider, prompt: input.text, webhookUrl };
      const names = { service: 'input.provider', prompt: 'input.input.text' };
      return describe(service.submit(checkSubmission('generate', fields, names), placement));
    },

    generateImage({ input }: { input: Record<string, unknown> }, placement: Placement) {
      return describe(service.submit(checkSubmission('generateImage', input), placement));
    },

    /** Answers with the fields that the page's response examples show, and the size and cost. */
    rest(body: Record<string, unknown>, placement: Placement) {
      // The page's parameter table has no quality.
      const submission = checkSubmission('rest', { ...body, quality: undefined });
      const described = describe(service.submit(submission, placement));
      const { type: _type, provider: _provider, metadata: _metadata, ...job } = described;
      return job;
    },

    /** Everything that is known of a job; the page does not show how to read one by REST. */
    find(id: string) {
      const job = service.find(id);
      return job && describe(job);
    },
  };
}
