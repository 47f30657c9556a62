/** The Doitong service as an `ImageProvider`: joins the parts of this folder; the only file that others import. */
import type { ImageProvider } from '../core/image-provider.ts';
import type { ProxySettings } from '../core/proxy.ts';
import { createRedactor, createSecretFinder } from '../core/redaction.ts';
import type { WireMemory } from '../core/wire-memory.ts';
import { createTransport } from './api-client.ts';
import { ServiceFacts } from './dialects.ts';
import { JobParser } from './job-parser.ts';
import { JobReader } from './job-reader.ts';
import { OrderSender } from './order-sender.ts';
import { probeService, refreshLimits } from './probe.ts';
import { createWire, type WireDeps } from './wire.ts';

export type DoitongSettings = Pick<WireDeps, 'apiKey' | 'jobQuery' | 'dialect' | 'userAgent'> & {
  /** Origin of the API, without a path. */
  apiUrl: string;
  /** What must not be recorded of an answer either: the webhook secret. */
  otherSecrets?: readonly string[];
  proxies?: ProxySettings;
};

type DoitongDeps = Pick<WireDeps, 'clock' | 'log' | 'limiter'> & { memory: WireMemory };

export function createDoitongProvider(settings: DoitongSettings, deps: DoitongDeps): ImageProvider {
  const { apiUrl, apiKey, userAgent, dialect, jobQuery, otherSecrets = [], proxies } = settings;
  const { clock, log, limiter, memory } = deps;
  const secrets = [apiKey, ...otherSecrets].filter((secret) => secret !== undefined);
  const redact = createRedactor(secrets);
  const parser = new JobParser({ redact, removeSecrets: createRedactor(secrets, []), log, origin: apiUrl });
  const facts = new ServiceFacts(memory, log, createSecretFinder(secrets));
  const transport = createTransport(apiUrl, clock, proxies);
  const shared = { transport, limiter, clock, log, redact, parser, facts };
  const wire = createWire({ ...shared, apiKey, userAgent, dialect, jobQuery });
  const { prepare, send } = new OrderSender(wire);
  const { readMany, readsAtOnce } = new JobReader(wire);
  const refresh = (signal: AbortSignal): Promise<void> => refreshLimits(wire, signal);
  return {
    unavailable: wire.client.unavailable,
    prepare,
    send,
    readMany,
    readsAtOnce,
    times: wire.client.timesWith(refresh),
    refresh,
    probe: (signal) => probeService(wire, signal),
    close: () => transport.close(),
  };
}
