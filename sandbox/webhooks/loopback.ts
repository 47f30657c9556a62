// Owns where webhooks may go: to this machine only, so that a sandbox never calls out into the world.

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Why a webhook is not sent there; undefined when it may be. URLs spell numeric hosts in one way only. */
export function refusalOfTarget({ protocol, hostname }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return 'not sent: only http and https are';
  return LOOPBACK_HOST.test(hostname) ? undefined : 'not sent: the sandbox posts to loopback hosts only';
}
