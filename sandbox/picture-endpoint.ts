// Owns the sandbox's host of pictures: which address leads to which picture, and under which type it is served.

import { type Answer, answerJson } from './answer.ts';
import { statusAt } from './job.ts';
import { PictureCache } from './picture/picture.ts';
import { Refusal } from './refusal.ts';
import type { LoggedRequest } from './request-log.ts';
import type { PictureAddresses } from './scenarios/picture-addresses.ts';
import type { Service } from './service.ts';

export type PictureEndpointDeps = {
  now: () => number;
  service: Service;
  addresses: PictureAddresses;
};

export class PictureEndpoint {
  private readonly pictures = new PictureCache();

  constructor(private readonly deps: PictureEndpointDeps) {}

  async answer(entry: LoggedRequest, id: string, query: URLSearchParams): Promise<Answer> {
    const { now, service, addresses } = this.deps;
    if (entry.method !== 'GET' && entry.method !== 'HEAD') {
      throw new Refusal('METHOD_NOT_ALLOWED', 'Pictures take GET only');
    }
    const job = service.find(id);
    if (job === undefined || statusAt(job, now()) !== 'completed') {
      throw new Refusal('NOT_FOUND', `There is no picture of a job ${id}`);
    }
    const access = addresses.open(job, query.get('signature'));
    if (access.fault !== undefined) entry.fault = access.fault;
    if (access.decision === 'refuse') return answerJson(access.status, { message: 'This address has expired' });
    const body = await this.pictures.get(job.submission);
    return { status: 200, headers: { 'Content-Type': access.contentType }, body };
  }
}
