/** Which HTTP exchanges of this process are under way, as those who send the requests see it. */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

const NO_PORT = 0;

const open = new Set<object>();
const localPorts = new WeakMap<object, number>();
/** The callers' ports whose requests are left without an answer. */
const hanging = new Set<number>();

type UndiciMessage = { request: object; socket: Socket };
const onUndici = (name: string, listen: (message: UndiciMessage) => void): void =>
  subscribe(`undici:${name}`, (message) => listen(message as UndiciMessage));

// The `fetch` of Node and undici from npm report on the same channels.
onUndici('request:create', ({ request }) => open.add(request));
onUndici('client:sendHeaders', ({ request, socket }) => localPorts.set(request, socket.localPort ?? NO_PORT));
onUndici('request:trailers', ({ request }) => open.delete(request));
onUndici('request:error', ({ request }) => open.delete(request));
subscribe('http.client.request.start', (message) => {
  const { request } = message as { request: ClientRequest };
  open.add(request);
  request.once('close', () => open.delete(request));
  onPort(request, (port) => localPorts.set(request, port));
});

function onPort(request: ClientRequest, use: (port: number) => void): void {
  const listen = (socket: Socket): void => {
    const report = (): void => use(socket.localPort ?? NO_PORT);
    if (socket.connecting) socket.once('connect', report);
    else report();
  };
  if (request.socket === null) request.once('socket', listen);
  else listen(request.socket);
}

/** Requests of others that this process has passed on, by the port that it did so from. */
const passedOn = new Map<number, IncomingMessage>();

/** Whoever leaves the outgoing request without an answer leaves the incoming one without. */
export function passesOn(incoming: IncomingMessage, outgoing: ClientRequest): void {
  onPort(outgoing, (port) => {
    passedOn.set(port, incoming);
    outgoing.once('close', () => passedOn.delete(port));
  });
}

/** The request will not be answered, on purpose: only its caller ends it, when it has waited long enough. */
export function leaveHanging({ socket }: IncomingMessage): void {
  const { remotePort = NO_PORT } = socket;
  hanging.add(remotePort);
  socket.once('close', () => hanging.delete(remotePort));
  const caller = passedOn.get(remotePort);
  if (caller !== undefined) leaveHanging(caller);
}

/** From which ports this process waits for answers; `NO_PORT` for a request that has no connection yet. */
export function portsInUse(): number[] {
  return [...open].map((request) => localPorts.get(request) ?? NO_PORT);
}

/** Whether no answer will come to this port: all that helps is that time passes. */
export function isHanging(port: number): boolean {
  return hanging.has(port);
}
