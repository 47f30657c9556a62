/** One HTTP exchange with the service: everything that can come of it is plain data, nothing is thrown. */
import type { Agent, Dispatcher } from 'undici';
import type { Clock } from '../core/clock.ts';
import { wholeContent } from '../core/content-encoding.ts';
import { codeOf } from '../core/error-code.ts';
import type { ProxySettings } from '../core/proxy.ts';
import type { ConnectProblem } from '../core/reasons.ts';
import { ConnectFailure } from '../network/connect-failure.ts';
import { createAgent } from '../network/connector.ts';

/** What went wrong in transit, for the failure table and the log. */
export type NetworkFault = {
  /** `caller` ended the call, `deadline` is ours, `network` is everything else. */
  cause: 'caller' | 'deadline' | 'network';
  /** The code of undici, Node or OpenSSL, where there is one. */
  code?: string;
  /** What is known of a connection that did not come about. */
  connect?: ConnectProblem;
};

export type Exchange =
  /** `body` is undefined when it was cut off, longer than the limit, or in an encoding that cannot be decoded. */
  | { outcome: 'answered'; status: number; headers: Readonly<Record<string, string>>; body: string | undefined }
  /** Not one byte of the request left this process. */
  | { outcome: 'not_sent'; fault: NetworkFault }
  /** The request may have been carried out. */
  | { outcome: 'ambiguous'; fault: NetworkFault };

export type WireRequest = {
  method: 'GET' | 'POST';
  path: string;
  /** Absent for a GET. */
  body?: string;
  /** Longer answers are not read to their end; 42 MB where nothing is said. */
  maxBytes?: number;
  headers: Readonly<Record<string, string>>;
  deadlineMs: number;
  /** `fresh`: on a connection of its own, so that a stale kept one can never make a payment ambiguous. */
  connection: 'fresh' | 'kept';
  signal: AbortSignal;
};

export interface Transport {
  exchange(request: WireRequest): Promise<Exchange>;
  /** Ends connections; exchanges under way end as they stand. */
  close(): Promise<void>;
}

/** Deadlines are signals; undici's own timers come late and only catch what a signal should have ended. */
const BACK_STOP_MS = 60_000;
/** A picture of 30 MB as Base64, which some services send inside the answer, and the job around it. */
const BODY_MAX_BYTES = 42_000_000;
/** Connections to the one origin; more requests at a time wait for one. */
const CONNECTIONS = 16;

type Settle = (exchange: Exchange) => void;

/** `origin` is fixed: the request carries the key, and undici's dispatchers follow no redirects. */
export function createTransport(origin: string, clock: Clock, proxies: ProxySettings = {}): Transport {
  const options = { headersTimeout: BACK_STOP_MS, bodyTimeout: BACK_STOP_MS, connections: CONNECTIONS };
  const kept = createAgent({ clock, proxies }, options);
  // Without pipelining undici says `Connection: close` and never uses a connection twice.
  const fresh = createAgent({ clock, proxies }, { ...options, pipelining: 0 });

  return {
    async exchange(request) {
      const deadline = clock.deadline(request.deadlineMs);
      const signal = AbortSignal.any([request.signal, deadline.signal]);
      const agent = request.connection === 'fresh' ? fresh : kept;
      try {
        return await new Promise<Exchange>((settle) => {
          const whoAborted = (): 'caller' | 'deadline' => (request.signal.aborted ? 'caller' : 'deadline');
          const call = new Call(signal, whoAborted, request.maxBytes ?? BODY_MAX_BYTES, settle);
          if (!call.finished) dispatch(agent, origin, request, call);
        });
      } finally {
        deadline.clear();
      }
    },
    async close() {
      await Promise.all([kept.destroy(), fresh.destroy()]);
    },
  };
}

function dispatch(agent: Agent, origin: string, request: WireRequest, call: Call): void {
  const { method, path, body = null } = request;
  try {
    agent.dispatch({ origin, path, method, body, headers: { ...request.headers } }, call);
  } catch (error) {
    call.end(error);
  }
}

/** What undici reports of one request. It starts with the request, ends once, and forgets what comes later. */
class Call implements Dispatcher.DispatchHandler {
  finished = false;
  /** undici calls `onRequestStart` right before the first write: without it nothing has left. */
  private started = false;
  private controller: Dispatcher.DispatchController | undefined;
  private head: { status: number; headers: Record<string, string> } | undefined;
  private encoding: string | string[] | undefined;
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly onAbort = (): void => this.end(this.signal.reason, this.whoAborted());

  constructor(
    private readonly signal: AbortSignal,
    private readonly whoAborted: () => NetworkFault['cause'],
    private readonly maxBytes: number,
    private readonly settle: Settle,
  ) {
    if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.finished) {
      controller.abort(new Error('The call has ended.'));
      return;
    }
    this.started = true;
    this.controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    if (status < 200) return;
    this.head = { status, headers: firstValues(headers) };
    this.encoding = headers['content-encoding'];
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.size += chunk.length;
    if (this.size > this.maxBytes) this.end(undefined);
    else this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    const { head } = this;
    if (head === undefined) this.end(undefined);
    else void this.text().then((body) => this.finish({ outcome: 'answered', ...head, body }));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.end(error);
  }

  /** Ends the call before the whole answer was read. */
  end(error: unknown, cause: NetworkFault['cause'] = 'network'): void {
    const code = faultCode(error);
    const fault: NetworkFault = {
      cause,
      ...(code === undefined ? {} : { code }),
      ...(error instanceof ConnectFailure ? { connect: error.problem } : {}),
    };
    if (this.head) this.finish({ outcome: 'answered', ...this.head, body: undefined });
    else this.finish({ outcome: this.started ? 'ambiguous' : 'not_sent', fault });
    this.controller?.abort(new Error('The call has ended.'));
  }

  private finish(exchange: Exchange): void {
    if (this.finished) return;
    this.finished = true;
    this.signal.removeEventListener('abort', this.onAbort);
    this.settle(exchange);
  }

  private async text(): Promise<string | undefined> {
    const { chunks, encoding, maxBytes } = this;
    const content = await wholeContent(chunks, encoding, { maxBytes, isReadable: mayBeJson }).catch(() => undefined);
    if (content === undefined) return undefined;
    // This removes a byte order mark and replaces what is not UTF-8.
    return new TextDecoder().decode(content);
  }
}

const BEFORE_JSON = /^[\uFEFF\s]*/u;

/** Compressed bytes do not begin so. */
function mayBeJson(bytes: Uint8Array): boolean {
  const beginning = new TextDecoder().decode(bytes.subarray(0, 100)).replace(BEFORE_JSON, '');
  return beginning.startsWith('{') || beginning.startsWith('[');
}

type IncomingHeaders = Record<string, string | string[] | undefined>;

function firstValues(headers: IncomingHeaders): Record<string, string> {
  const first: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const single = Array.isArray(value) ? value[0] : value;
    if (typeof single === 'string') first[name.toLowerCase()] = single;
  }
  return first;
}

function faultCode(error: unknown): string | undefined {
  if (error instanceof ConnectFailure) return 'errorCode' in error.problem ? error.problem.errorCode : undefined;
  if (!(error instanceof Error)) return undefined;
  return codeOf(error) ?? (error.cause instanceof Error ? faultCode(error.cause) : error.name);
}
