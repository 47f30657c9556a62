/** What `doctor` says of the webhook settings: whether they fit together and whether the port can be had. */
import { createServer } from 'node:net';
import type { Config, ListenAddress } from '../config/settings.ts';
import { isLoopbackHost } from '../core/hosts.ts';
import { errorCode } from '../storage/disk.ts';
import { type Check, ok, warn } from './doctor-check.ts';

export type WebhookSettings = Pick<Config, 'apiUrl' | 'webhookUrl' | 'webhookSecret' | 'webhookListen'>;

/** Nobody is called: whether the address can be reached from outside shows when the first picture is done. */
export async function webhookCheck(settings: WebhookSettings): Promise<Check> {
  const { apiUrl, webhookUrl, webhookSecret, webhookListen } = settings;
  if (webhookUrl === undefined) {
    if (webhookSecret === undefined) return ok('webhooks', 'not set: jobs are polled');
    return warn(
      'webhooks',
      'a secret is set and no address',
      'Set DOITONG_WEBHOOK_URL, or remove DOITONG_WEBHOOK_SECRET.',
    );
  }
  if (webhookSecret === undefined) {
    return warn(
      'webhooks',
      `${plain(webhookUrl)} is given to the service, but without a secret no post is believed: jobs are polled`,
      'Set DOITONG_WEBHOOK_SECRET to the secret that Doitong signs with, or remove DOITONG_WEBHOOK_URL.',
    );
  }
  if (isLoopbackHost(new URL(webhookUrl).hostname) && !isLoopbackHost(new URL(apiUrl).hostname)) {
    const remedy = 'Set DOITONG_WEBHOOK_URL to an address that can be reached from the internet, or remove it.';
    return warn('webhooks', `${plain(webhookUrl)} leads to this machine alone: the service cannot reach it`, remedy);
  }
  if (webhookListen === undefined) {
    return warn(
      'webhooks',
      `${plain(webhookUrl)} is given to the service, but nobody listens here: jobs are polled`,
      'Set DOITONG_WEBHOOK_LISTEN to the [HOST:]PORT that the address leads to.',
    );
  }
  return portCheck(webhookUrl, webhookListen);
}

/** Without its query, which may hold something that only the service shall know. */
function plain(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

async function portCheck(webhookUrl: string, { host, port }: ListenAddress): Promise<Check> {
  const route = `${plain(webhookUrl)} → ${host}:${port}`;
  const problem = await listenProblem({ host, port });
  if (problem === undefined) return ok('webhooks', `${route}: the port is free and is opened with the first order`);
  if (problem === 'EADDRINUSE') {
    return warn(
      'webhooks',
      `${route}: the port is taken, as a rule by a flux-pro-mcp server, which tells all others`,
      'Nothing to do while one is running; else set DOITONG_WEBHOOK_LISTEN to another port.',
    );
  }
  const remedy = 'Set DOITONG_WEBHOOK_LISTEN to an address of this machine and a port from 1024 on.';
  return warn('webhooks', `${route}: nothing can listen there (${problem}): jobs are polled`, remedy);
}

/** The system's code of what prevents it; the port is released at once. */
function listenProblem(address: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(errorCode(error)));
    server.listen(address, () => server.close(() => resolve(undefined)));
  });
}
