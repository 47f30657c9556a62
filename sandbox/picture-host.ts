// Owns the sandbox's host of pictures: which address leads to which picture, and under which type it is served.

import { type Answer, answerJson, Refusal } from './answer.ts';
import { type Job, statusAt } from './job.ts';
import { drawPicture } from './picture/picture.ts';
import type { LoggedRequest } from './request-log.ts';
import type { PictureAddresses } from './scenarios/picture-addresses.ts';
import type { Service } from './service.ts';

export type PictureHost = (entry: LoggedRequest, id: string, query: URLSearchParams) => Promise<Answer>;

/** A picture of 2048² takes a few hundred kilobytes. */
const KEPT_PICTURES = 48;

export function createPictureHost(now: () => number, service: Service, addresses: PictureAddresses): PictureHost {
  /** Those asked for last; simultaneous requests for one share its drawing. */
  const drawn = new Map<string, Promise<Uint8Array>>();

  return async (entry, id, query) => {
    if (entry.method !== 'GET' && entry.method !== 'HEAD') {
      throw new Refusal('METHOD_NOT_ALLOWED', 'Pictures take GET only');
    }
    const job = service.find(id);
    if (job === undefined || statusAt(job, now()) !== 'completed') {
      throw new Refusal('NOT_FOUND', `There is no picture of a job ${id}`);
    }
    const { fault, refusedWith, contentType } = addresses.open(job, query.get('signature'));
    if (fault !== undefined) entry.fault = fault;
    if (refusedWith !== undefined) return answerJson(refusedWith, { message: 'This address has expired' });
    return { status: 200, headers: { 'Content-Type': contentType }, body: await pictureOf(job) };
  };

  /** Each job has another picture, also of an equal prompt, as the service's own chance has it. */
  function pictureOf({ id, submission: { prompt, width, height } }: Job): Promise<Uint8Array> {
    const picture = drawn.get(id) ?? drawPicture(`${id} ${prompt}`, width, height);
    drawn.delete(id);
    drawn.set(id, picture);
    picture.catch(() => drawn.delete(id));
    const [oldest] = drawn.keys();
    if (drawn.size > KEPT_PICTURES && oldest !== undefined) drawn.delete(oldest);
    return picture;
  }
}
