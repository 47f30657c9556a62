// Owns the sandbox's host of pictures: what is served at which address, under which type.

import { type Answer, answerJson, type Arrival, Refusal } from './http.ts';
import { statusAt } from './job.ts';
import type { PictureAddresses } from './job-view.ts';
import { drawPicture } from './drawing.ts';
import type { Traits } from './scenarios.ts';
import type { Service } from './service.ts';

export function createPictureHost(now: () => number, service: Service, addresses: PictureAddresses, traits: Traits) {
  return async ({ entry, id, query }: Arrival): Promise<Answer> => {
    if (entry.method !== 'GET' && entry.method !== 'HEAD')
      throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'Pictures take GET only');
    const job = service.find(id);
    if (job === undefined || statusAt(job, now()) !== 'completed')
      throw new Refusal(404, 'NOT_FOUND', `There is no picture of a job ${id}`);
    if (addresses.refuses(id, query.get('signature'))) {
      entry.fault = 'expired-url';
      return answerJson(addresses.choose('expired', id, [403, 410]), { message: 'This address has expired' });
    }
    let type = 'image/jpeg';
    if (traits.wrongContentType) {
      entry.fault = 'wrong-content-type';
      type = addresses.choose('type', id, ['text/html; charset=utf-8', 'application/octet-stream']);
    }
    // Each job has another picture, also of an equal prompt, as the service's own chance has it.
    const { prompt, width, height } = job.submission;
    const body = await drawPicture(`${id} ${prompt}`, width, height);
    return { status: 200, headers: { 'Content-Type': type }, body };
  };
}
