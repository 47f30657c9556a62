// Owns what each root field of the sandbox's schema does.

import { describeJob } from './job.ts';
import type { Service } from './service.ts';
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

type Context = { idempotencyKey: string | undefined };

export type GraphqlResolvers = ReturnType<typeof createResolvers>;

export function createResolvers(service: Service, now: () => number, origin: () => string) {
  return {
    checkJobStatus({ jobId }: { jobId: string }) {
      const job = service.find(jobId);
      return job ? describeJob(job, now(), origin()) : null;
    },

    generate({ input }: GenerateArguments, { idempotencyKey }: Context) {
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
      return describeJob(service.submit(submission, idempotencyKey), now(), origin());
    },

    generateImage({ input }: GenerateImageArguments, { idempotencyKey }: Context) {
      const submission = checkSubmission('generateImage', { ...input, quality: undefined });
      return describeJob(service.submit(submission, idempotencyKey), now(), origin());
    },
  };
}
