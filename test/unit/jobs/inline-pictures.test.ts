/** Proves that pictures which come inside answers are kept up to a bound in characters, the newest first. */
import { expect, it } from 'vitest';
import type { RemoteJob } from '../../../src/core/image-provider.ts';
import type { Job } from '../../../src/core/job.ts';
import { Pictures, type PicturesDeps } from '../../../src/jobs/pictures.ts';

it('pictures inside answers are kept up to 64 million characters, and what is dropped is asked for again', async () => {
  const fetched: string[] = [];
  const asked: string[] = [];
  const deps = {
    records: { apply: async () => undefined },
    download: {
      fetch: async (source: string) => {
        fetched.push(source.slice(0, 1));
        return { bytes: new Uint8Array(), mediaType: 'image/jpeg', extension: 'jpg' };
      },
    },
    store: { save: async () => '/pictures/one.jpg' },
    provider: {
      readMany: async ([remoteId = '']: string[]) => {
        asked.push(remoteId);
        const job = { remoteId, phase: 'completed', remoteStatus: 'completed', inlinePicture: 'again' };
        return new Map([[remoteId, { job }]]);
      },
    },
  } as unknown as PicturesDeps;
  const pictures = new Pictures(deps);
  const job = (id: string): Job =>
    ({
      id,
      remoteId: id,
      request: { prompt: id, width: 256, height: 256 },
      credits: { exact: null },
    }) as unknown as Job;

  for (const id of ['a', 'b', 'c']) pictures.keep(id, { inlinePicture: id.repeat(30_000_000) } as unknown as RemoteJob);
  for (const id of ['c', 'b', 'a']) await pictures.save(job(id), new AbortController().signal);
  expect(fetched).toEqual(['c', 'b', 'a']);
  expect(asked).toEqual(['a']);
});
