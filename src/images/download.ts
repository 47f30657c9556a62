/** Fetches finished pictures: allowed hosts and addresses only, without key or cookie, bounded, checked by their bytes. */
import type { Agent, Dispatcher } from 'undici';
import { backOffMs } from '../core/back-off.ts';
import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import { isLoopbackAddress } from '../core/hosts.ts';
import type { ImageDownload } from '../core/image-store.ts';
import type { ProxySettings } from '../core/proxy.ts';
import { isPublicAddress } from '../core/public-address.ts';
import { ConnectFailure } from '../network/connect-failure.ts';
import { createAgent, type Resolve } from '../network/connector.ts';
import { AddressRefused, checkedLookup } from './checked-lookup.ts';
import { bytesOfDataUrl, isDataUrl } from './data-url.ts';
import { failed, failedWith, notConnected, refusedAddress, refusedUrl } from './download-failures.ts';
import { judgeDownloadUrl } from './download-url.ts';
import { pictureOf } from './picture-bytes.ts';
import { TransferredBytes } from './transferred-bytes.ts';

const TIMEOUT_MS = 120_000;
/** A host that sends nothing for so long is given up; undici checks about once a second. */
const IDLE_MS = 20_000;
const REDIRECTS_MAX = 3;
/** How often a transfer that broke off is taken up again, as long as each time brought something. */
const RESUMES_MAX = 5;
/** An error page is read away up to here, so that the connection stays useful; a longer one ends it. */
const DISCARDED_BYTES = 64 * 1024;

export type DownloadSettings = {
  hosts: readonly string[];
  apiOrigin: string;
  userAgent: string;
  /** A proxy resolves names itself: then the addresses that a name leads to are its concern. */
  proxies?: ProxySettings;
};

export type DownloadDeps = {
  clock: Clock;
  /** The system's unless a test plays the DNS. */
  resolve?: Resolve;
  /** Milliseconds of silence after which a host is given up; shorter where a test waits for it. */
  idleMs?: number;
};

export function createImageDownload(
  settings: DownloadSettings,
  { clock, resolve, idleMs = IDLE_MS }: DownloadDeps,
): ImageDownload & { close(): Promise<void> } {
  const agentFor = (isAllowed: (address: string) => boolean): Agent =>
    createAgent(
      { clock, proxies: settings.proxies, resolve: checkedLookup(isAllowed, resolve) },
      { headersTimeout: idleMs, bodyTimeout: idleMs },
    );
  const outside = agentFor(isPublicAddress);
  const own = agentFor(isLoopbackAddress);

  /** One request; what it is redirected to is judged like the first address. */
  async function ask(text: string, received: TransferredBytes, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    let target = text;
    for (let redirects = 0; ; redirects += 1) {
      const decision = judgeDownloadUrl(target, settings.hosts, settings.apiOrigin);
      if (!decision.ok) throw refusedUrl(decision.reason, decision.hostRefused);
      const { url, isOwn } = decision;
      const answer = await (isOwn ? own : outside).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        signal,
        headers: {
          accept: 'image/*',
          'accept-encoding': 'identity',
          'user-agent': settings.userAgent,
          ...received.rangeHeaders(),
        },
      });
      const location = redirectOf(answer);
      if (location === undefined) return answer;
      await discard(answer, signal);
      if (redirects === REDIRECTS_MAX)
        throw failedWith(`The finished picture could not be fetched: it was redirected more than ${redirects} times.`);
      target = URL.canParse(location, url.href) ? new URL(location, url.href).href : location;
    }
  }

  async function transfer(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const received = new TransferredBytes();
    for (let resumes = 0; ; resumes += 1) {
      const before = received.size;
      try {
        const answer = await ask(url, received, signal);
        const problem = received.begin(answer);
        if (problem !== undefined) {
          await discard(answer, signal);
          throw problem;
        }
        for await (const chunk of answer.body as AsyncIterable<Uint8Array>) received.add(chunk);
        return await received.decoded();
      } catch (error) {
        if (error instanceof FluxError || signal.aborted || !received.canResume || received.size <= before) throw error;
        if (resumes === RESUMES_MAX) throw error;
        await clock.sleep(backOffMs(resumes + 1, clock.random()), signal);
      }
    }
  }

  return {
    async fetch(url, signal) {
      if (isDataUrl(url)) return pictureOf(bytesOfDataUrl(url));
      const deadline = clock.deadline(TIMEOUT_MS);
      try {
        return pictureOf(await transfer(url, AbortSignal.any([signal, deadline.signal])));
      } catch (error) {
        if (error instanceof FluxError || signal.aborted) throw error;
        if (error instanceof ConnectFailure) {
          if (error.cause instanceof AddressRefused) throw refusedAddress(error.cause.message);
          throw notConnected(error);
        }
        if (deadline.signal.aborted) throw failed(`it took longer than ${TIMEOUT_MS / 1000} s`, error);
        throw failed(error instanceof Error && 'code' in error ? String(error.code) : 'the connection broke', error);
      } finally {
        deadline.clear();
      }
    },
    close: async () => {
      await Promise.all([outside.destroy(), own.destroy()]);
    },
  };
}

function redirectOf({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  return typeof headers.location === 'string' ? headers.location : undefined;
}

/** Destroying the body instead would raise an error event that nobody hears. */
async function discard(answer: Dispatcher.ResponseData, signal: AbortSignal): Promise<void> {
  await answer.body.dump({ limit: DISCARDED_BYTES, signal });
}
