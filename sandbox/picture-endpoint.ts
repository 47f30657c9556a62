// Owns the sandbox's host of pictures: which address leads to which picture, and under which type it is served.

import { type Answer, answerJson } from './answer.ts';
import { type Job, statusAt } from './job.ts';
import { drawPicture } from './picture/picture.ts';
import { Refusal } from './refusal.ts';
import type { LoggedRequest } from './request-log.ts';
import type { PictureAddresses } from './scenarios/picture-addresses.ts';
import type { Service } from './service.ts';

export type PictureEndpointDeps = {
  now: () => number;
  service: Service;
  addresses: PictureAddresses;
};

/** A picture of 2048² takes a few hundred kilobytes. */
const KEPT_PICTURES = 48;

export class PictureEndpoint {
  /** Those asked for last; simultaneous requests for one share its drawing. */
  private readonly drawn = new Map<string, Promise<Uint8Array>>();

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
    const body = await this.pictureOf(job);
    return { status: 200, headers: { 'Content-Type': access.contentType }, body };
  }

  /** Each job has another picture, also of an equal prompt, as the service's own chance has it. */
  private pictureOf({ id, submission: { prompt, width, height } }: Job): Promise<Uint8Array> {
    const picture = this.drawn.get(id) ?? drawPicture(`${id} ${prompt}`, width, height);
    this.drawn.delete(id);
    this.drawn.set(id, picture);
    picture.catch(() => this.drawn.delete(id));
    const [oldest] = this.drawn.keys();
    if (this.drawn.size > KEPT_PICTURES && oldest !== undefined) this.drawn.delete(oldest);
    return picture;
  }
}
