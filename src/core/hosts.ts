/** Tells which names and addresses mean this machine. */

const LOOPBACK = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3}|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})$/iu;

/** True for 127.0.0.0/8 and ::1, and for the former inside an IPv6 address. */
export function isLoopbackAddress(address: string): boolean {
  return LOOPBACK.test(address);
}

/** True for `localhost` and loopback addresses, as a URL's `hostname` spells them, with brackets or without. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/gu, ''));
}
