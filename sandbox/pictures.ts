// Owns the sandbox's host of pictures: their addresses, and what is served at which one, under which type.

import { createHash } from 'node:crypto';
import { drawPicture } from './drawing.ts';
import { type Answer, type Arrival, answerJson, Refusal } from './http.ts';
import { statusAt } from './job.ts';
import type { Scenarios } from './scenarios.ts';
import type { Service } from './service.ts';

/** An address that has expired is followed by a fresh one. */
const signature = (id: string, kind: 'first' | 'fresh'): string =>
  createHash('sha256').update(`${kind} ${id}`).digest('hex').slice(0, 32);

/** Ids follow from the seed, and so does what differs from job to job. */
const isEven = (id: string): boolean => Number.parseInt(id.slice(-1), 16) % 2 === 0;

export type Pictures = ReturnType<typeof createPictures>;

export function createPictures(origin: () => string, now: () => number, service: Service, scenarios: Scenarios) {
  const expires = scenarios.has('expired-url');
  /** The ids of jobs whose first address was fetched. */
  const expired = new Set<string>();

  return {
    urlOf(id: string): string {
      const url = `${origin()}/outputs/${id}.jpg`;
      return expires ? `${url}?signature=${signature(id, expired.has(id) ? 'fresh' : 'first')}` : url;
    },

    async serve({ entry, id, query }: Arrival): Promise<Answer> {
      if (entry.method !== 'GET' && entry.method !== 'HEAD')
        throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'Pictures take GET only');
      const job = service.find(id);
      if (job === undefined || statusAt(job, now()) !== 'completed')
        throw new Refusal(404, 'NOT_FOUND', `There is no picture of a job ${id}`);
      if (expires && query.get('signature') !== signature(id, 'fresh')) {
        expired.add(id);
        entry.fault = 'expired-url';
        return answerJson(isEven(id) ? 403 : 410, { message: 'This address has expired' });
      }
      let type = 'image/jpeg';
      if (scenarios.has('wrong-content-type')) {
        entry.fault = 'wrong-content-type';
        type = isEven(id) ? 'text/html; charset=utf-8' : 'application/octet-stream';
      }
      // Each job has another picture, also of an equal prompt, as the service's own chance has it.
      const { prompt, width, height } = job.submission;
      const body = await drawPicture(`${id} ${prompt}`, width, height);
      return { status: 200, headers: { 'Content-Type': type }, body };
    },
  };
}
