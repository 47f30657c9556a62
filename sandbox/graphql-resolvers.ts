// Owns what each root field of the sandbox's schema does.

import type { JobView } from './job-view.ts';
import type { Traits } from './scenarios/traits.ts';
import type { Placement, Service } from './service.ts';
import { checkSubmission } from './submission.ts';

type GenerateArguments = {
  input: {
    provider: string;
    input: { text: string };
    options?: Record<'width' | 'height' | 'version' | 'quality', unknown> | null;
    webhookUrl?: unknown;
  };
};

type GenerateImageArguments = {
  input: Record<'service' | 'prompt' | 'width' | 'height' | 'version' | 'webhookUrl', unknown>;
};

export type GraphqlResolvers = ReturnType<typeof createResolvers>;

export function createResolvers(service: Service, { describe }: JobView, { field, argument }: Traits['statusQuery']) {
  return {
    [field](given: Record<string, string>) {
      const job = service.find(given[argument] ?? '');
      return job ? describe(job) : null;
    },

    generate({ input }: GenerateArguments, placement: Placement) {
      const { width, height, version, quality } = input.options ?? {};
      const submission = checkSubmission(
        'generate',
        {
          service: input.provider,
          prompt: input.input.text,
          width,
          height,
          version,
          quality,
          webhookUrl: input.webhookUrl,
        },
        { service: 'input.provider', prompt: 'input.input.text' },
      );
      return describe(service.submit(submission, placement));
    },

    generateImage({ input }: GenerateImageArguments, placement: Placement) {
      const submission = checkSubmission('generateImage', { ...input, quality: undefined });
      return describe(service.submit(submission, placement));
    },
  };
}
