/** Fetches finished pictures: allowed hosts only, no key, no redirect, bounded in size and time, checked by their bytes. */
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { ImageDownload, Picture } from '../core/image-store.ts';
import { judgeDownloadUrl } from './download-url.ts';
import { sniffImage } from './sniff.ts';
import { isWhole } from './whole.ts';

const TIMEOUT_MS = 120_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A 2048² picture is about 2 MB as JPEG and 12 MB as raw pixels. */
const MAX_BYTES = 30 * 1024 * 1024;
/** An error page is read away up to here, so that the connection stays useful; a longer one ends it. */
const DISCARDED_BYTES = 64 * 1024;

export type DownloadSettings = { hosts: readonly string[]; apiOrigin: string; userAgent: string };

export function createImageDownload(
  settings: DownloadSettings,
  clock: Clock,
): ImageDownload & { close(): Promise<void> } {
  const agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  return {
    async fetch(url, signal) {
      const verdict = judgeDownloadUrl(url, settings.hosts, settings.apiOrigin);
      if (!verdict.ok) throw refused(verdict.reason, verdict.hostRefused);
      const deadline = clock.deadline(TIMEOUT_MS);
      try {
        const answer = await agent.request({
          origin: verdict.url.origin,
          path: verdict.url.pathname + verdict.url.search,
          method: 'GET',
          signal: AbortSignal.any([signal, deadline.signal]),
          headers: { accept: 'image/*', 'user-agent': settings.userAgent },
        });
        const problem = problemOf(answer);
        if (problem !== undefined) {
          // Destroying the body instead would raise an error event that nobody hears.
          await answer.body.dump({ limit: DISCARDED_BYTES, signal: deadline.signal });
          throw problem;
        }
        return picture(await readBounded(answer.body));
      } catch (error) {
        if (error instanceof FluxError || signal.aborted) throw error;
        const reason = deadline.signal.aborted ? `it took longer than ${TIMEOUT_MS / 1000} s` : codeOf(error);
        throw failed(`The finished picture could not be fetched (${reason}).`, 'same_job', error);
      } finally {
        deadline.clear();
      }
    },
    close: () => agent.destroy(),
  };
}

/** What is wrong with an answer before its body is read. */
function problemOf(answer: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>): FluxError | undefined {
  if (answer.statusCode !== 200) return wrongStatus(answer.statusCode);
  return Number(answer.headers['content-length']) > MAX_BYTES ? tooLarge() : undefined;
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop destroys the stream.
    if (size > MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function picture(bytes: Uint8Array): Picture {
  const type = sniffImage(bytes);
  if (type === undefined)
    throw failed('What lies at the address is not a JPEG, PNG, WebP or AVIF picture.', 'same_job');
  if (!isWhole(bytes, type)) throw failed('The finished picture came only in part.', 'same_job');
  return { bytes, ...type };
}

function wrongStatus(status: number): FluxError {
  const redirected = status >= 300 && status < 400;
  const what = redirected ? 'it redirects elsewhere, which is not followed' : `the host answered ${status}`;
  return failed(`The finished picture could not be fetched: ${what}.`, 'same_job');
}

function tooLarge(): FluxError {
  return hopeless(`The finished picture is larger than ${MAX_BYTES / 1024 ** 2} MB.`, OPEN_YOURSELF);
}

const OPEN_YOURSELF = 'Open the url yourself if you trust it; this server does not fetch it.';
const LIST_HOST =
  'Open the url yourself, or, if you trust the host, add it to DOITONG_DOWNLOAD_HOSTS, restart the server and ask ' +
  'get_job_status for this job.';

/** The address of a finished picture does not change: asking again would be refused again. */
function refused(message: string, hostRefused: boolean): FluxError {
  return hopeless(message, hostRefused ? LIST_HOST : OPEN_YOURSELF);
}

function hopeless(message: string, remedy: string): FluxError {
  return new FluxError({ ...failed(message, 'no').failure, remedy });
}

function failed(message: string, retry: Failure['retry'], cause?: unknown): FluxError {
  return new FluxError({ kind: 'download_failed', message, creditsSpent: 'yes', retry }, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'the connection broke';
}
